"""Another registry, an emptied one, a damaged one: each is refused with words, and every release can still go live."""

import errno
import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, make_repository, make_workspace, with_database
from release.night_results import GATES, candidate_of, copy_workspace, kept_by_dvc, whole, write_night
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.config.load import load_params
from pipelines.errors import NocturneError
from pipelines.lineage.datasets import restore
from pipelines.registry import identity, tracking
from pipelines.registry.releases import Releases
from pipelines.release import retention
from pipelines.release.publish import publish_candidate, rollback

VARIABLE = "MLFLOW_TRACKING_URI"


@pytest.fixture(scope="module")
def original(tmp_path_factory, mlflow_database):
    """A workspace with three releases."""
    folder = tmp_path_factory.mktemp("identity")
    source = make_repository(folder / "source", {"a.py": "A = 1\n"})
    made = with_database(make_workspace(folder / "workspace", {"moon": source}, release={"keep": 3}), mlflow_database)
    project = load_params(made).project("moon", made)
    for word in ("one", "two", "three"):
        released(project, load_params(made), word)
    return made


@pytest.fixture
def place(original, tmp_path):
    return copy_workspace(original, tmp_path / "copy")


@pytest.fixture
def params(place):
    return load_params(place)


@pytest.fixture
def project(params, place):
    return params.project("moon", place)


@pytest.fixture
def other(place, tmp_path, monkeypatch):
    """A variable that names another, empty registry."""
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path / 'other.db'}")


def released(project, params, word):
    write_night(project, word)
    return publish_candidate(
        Releases(project), params, candidate_of(project, word, dataset_dvc=kept_by_dvc(project)), True, GATES
    )


def every_release_can_go_live(project, params, folder):
    releases = Releases(project).every()
    assert {release.manifest.training for release in releases} >= {"one", "two", "three"}
    for release in releases:
        rollback(Releases(project), params, release.version)
        assert whole(project, params, Releases(project).champion())
        assert restore(project, release.version, folder / str(release.version))


def test_another_registry_is_refused_with_both_addresses_and_a_way_on(
    place, project, params, other, monkeypatch, tmp_path
):
    with pytest.raises(NocturneError, match=r"other\.db is not the registry .*mlflow\.db") as error:
        Releases(project)
    assert "nocturne registry accept" in error.value.next_step
    with pytest.raises(NocturneError, match="is not the registry"):
        retention.clear(Releases(project), params, at_once=True)
    monkeypatch.delenv(VARIABLE)
    every_release_can_go_live(project, params, tmp_path)


def test_what_an_accepted_registry_does_not_name_is_kept_for_the_former_one(
    place, project, params, other, monkeypatch, tmp_path
):
    monkeypatch.setenv("NOCTURNE_HOME", str(place))
    first = identity.recorded_identities(place)["id"]
    assert CliRunner().invoke(app, ["registry", "accept"]).exit_code == 0
    assert identity.recorded_identities(place)["id"] != first
    released(project, params, "elsewhere")
    gone = retention.clear(Releases(project), params, at_once=True).gone
    assert (gone.releases, gone.indexes) == ([], {})
    listed = CliRunner().invoke(app, ["registry", "list"]).output
    assert f"{first[:8]}  " in listed
    assert "former; its data is kept" in listed
    refused = CliRunner().invoke(app, ["registry", "forget", "nothing"])
    assert isinstance(refused.exception, NocturneError)

    monkeypatch.delenv(VARIABLE)
    assert CliRunner().invoke(app, ["registry", "accept"]).exit_code == 0
    assert identity.recorded_identities(place)["id"] == first
    every_release_can_go_live(project, params, tmp_path)


def test_a_registry_that_cannot_be_written_down_is_not_said_to_be_accepted(place, project, other, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = identity.recorded_identities(place)
    monkeypatch.setattr(identity, "write_json", full)
    with pytest.raises(NocturneError, match="cannot be written"):
        tracking.accept(place)
    assert identity.recorded_identities(place) == before


def test_a_registry_that_is_given_up_no_longer_keeps_anything(place, project, params, other, monkeypatch):
    tracking.accept(place)
    released(project, params, "elsewhere")
    monkeypatch.delenv(VARIABLE)
    tracking.accept(place)
    former = next(known for known in identity.read_all_needs(place) if not known.is_current)
    held = {folder.name for folder in project.live.iterdir()}
    assert former.needs["moon"].indexes < held
    identity.forget_registry(place, former.id[:8])
    gone = retention.clear(Releases(project), params, at_once=True).gone
    assert set(gone.indexes) == former.needs["moon"].indexes


def test_what_a_registry_names_is_listed_as_soon_as_a_workspace_takes_it(
    place, project, params, other, monkeypatch, tmp_path
):
    """Nothing but a look at it comes between that and a night with another registry."""
    shutil.rmtree(place / identity.FOLDER)
    with monkeypatch.context() as usual:
        usual.delenv(VARIABLE)
        assert Releases(project).champion()
    tracking.accept(place)
    released(project, params, "taken")
    gone = retention.clear(Releases(project), params, at_once=True).gone
    assert (gone.releases, gone.indexes) == ([], {})

    monkeypatch.delenv(VARIABLE)
    tracking.accept(place)
    every_release_can_go_live(project, params, tmp_path / "restored")


@pytest.mark.parametrize("damage", ["missing", "emptied", "torn", "other"])
def test_a_database_that_is_not_what_it_was_is_refused_and_nothing_is_lost(place, project, params, tmp_path, damage):
    file = place / "mlruns" / "mlflow.db"
    kept = file.rename(tmp_path / "kept.db")
    if damage == "emptied":
        file.write_bytes(b"")
    elif damage == "torn":
        file.write_bytes(kept.read_bytes()[:4096] + b"\xff" * 100_000)
    elif damage == "other":
        tracking.open_client(tmp_path / "fresh")
        shutil.copy(tmp_path / "fresh" / "mlruns" / "mlflow.db", file)
    before = file.read_bytes() if file.exists() else None
    done = refused(place, "gc", "--now")
    assert done.returncode == 1
    assert "backup" in done.stderr
    assert "Unexpected" not in done.stderr
    assert (file.read_bytes() if file.exists() else None) == before, "nothing was made in its place"
    kept.replace(file)
    every_release_can_go_live(project, params, tmp_path)


def refused(place, *command):
    """The command as a process of its own: MLflow keeps files open in this one."""
    code = "from pipelines.cli import main; main()"
    environ = {**os.environ, "NOCTURNE_HOME": str(place)}
    return subprocess.run(
        [sys.executable, "-c", code, *command], env=environ, capture_output=True, text=True, timeout=300, cwd=ROOT
    )


def test_the_same_registry_by_another_address_is_the_same(place, project, monkeypatch, tmp_path):
    (tmp_path / "link").symlink_to(place)
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path / 'link' / 'mlruns' / 'mlflow.db'}")
    assert Releases(project).champion().manifest.training
    assert identity.recorded_identities(place)["uri"].endswith("link/mlruns/mlflow.db")
