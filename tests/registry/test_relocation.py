"""A workspace that is copied or moved: MLflow's database names the folder that it is in now."""

import shutil
import sqlite3

import pytest
from conftest import make_repository, make_workspace, with_database
from release.night_results import GATES, candidate_of, whole, write_night

from pipelines.config.load import load_params
from pipelines.errors import NocturneError
from pipelines.registry.champion_cache import read_champion
from pipelines.registry.releases import Releases
from pipelines.registry.relocation import rewrite_locations
from pipelines.release.publish import promote, publish_candidate

NAMES = ("plain", "with space", "wild_card", "grün%20")


def released(place, word):
    params = load_params(place)
    project = params.project("moon", place)
    write_night(project, word)
    return publish_candidate(Releases(project), params, candidate_of(project, word), True, GATES)


@pytest.fixture(scope="module")
def original(tmp_path_factory, mlflow_database):
    """A workspace with two releases, in a folder whose name SQL and URIs read otherwise than people do."""
    folder = tmp_path_factory.mktemp("relocation")
    source = make_repository(folder / "source", {"a.py": "A = 1\n"})
    place = with_database(make_workspace(folder / "first_ws %41", {"moon": source}), mlflow_database)
    released(place, "one")
    released(place, "two")
    return place


def files(place):
    return sorted(path for path in (place / "mlruns" / "artifacts").rglob("*") if path.is_file())


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_writes_into_itself_and_leaves_the_first_alone(original, tmp_path, name, capsys):
    copy = tmp_path / name
    shutil.copytree(original, copy, symlinks=True)
    before, database = files(original), (original / "mlruns" / "mlflow.db").read_bytes()
    params = load_params(copy)
    project = params.project("moon", copy)
    assert read_champion(project).adapter.is_relative_to(copy)
    assert f"The workspace was in {original}" in capsys.readouterr().err
    assert released(copy, "three").release == 3
    assert "The workspace was in" not in capsys.readouterr().err, "it is said once"
    every = Releases(project).every()
    assert len(every) == 3
    assert all(whole(project, params, release) for release in every)
    assert (files(original), (original / "mlruns" / "mlflow.db").read_bytes()) == (before, database)
    assert len(files(copy)) > len(before)


def test_a_moved_workspace_promotes_what_it_has_and_names_no_former_place(original, tmp_path):
    copy, moved = tmp_path / "a" / "ws", tmp_path / "b" / "ws"
    shutil.copytree(original, copy, symlinks=True)
    released(copy, "three")
    moved.parent.mkdir()
    copy.rename(moved)
    params = load_params(moved)
    project = params.project("moon", moved)
    assert promote(Releases(project), params, 1).version == 1
    assert released(moved, "four").release == 4
    assert not copy.exists()
    with sqlite3.connect(moved / "mlruns" / "mlflow.db") as opened:
        said = "\n".join(opened.iterdump())
    assert str(copy) not in said
    assert original.name not in said


def test_places_whose_files_did_not_come_along_stay_as_they_are(original, tmp_path):
    copy = tmp_path / "database alone"
    (copy / "mlruns").mkdir(parents=True)
    shutil.copy(original / "mlruns" / "mlflow.db", copy / "mlruns" / "mlflow.db")
    assert rewrite_locations(copy / "mlruns" / "mlflow.db", copy) == []


def test_a_database_elsewhere_is_not_touched(original, tmp_path):
    shared = shutil.copy(original / "mlruns" / "mlflow.db", tmp_path / "shared.db")
    assert rewrite_locations(tmp_path / "shared.db", original) == []
    assert shared.read_bytes() == (original / "mlruns" / "mlflow.db").read_bytes()


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mlflow.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(NocturneError, match=r"mlflow\.db cannot be read"):
        rewrite_locations(tmp_path / "mlruns" / "mlflow.db", tmp_path)
