"""What is live is known without MLflow, and only as long as MLflow would say the same."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from conftest import ROOT, make_repository, make_workspace, with_database
from release.night_results import GATES, candidate_of, write_night

from pipelines.config.load import load_params
from pipelines.errors import NocturneError
from pipelines.registry import champion_cache
from pipelines.registry.releases import CHAMPION, Releases
from pipelines.registry.tracking import open_client, tracking_uri
from pipelines.release.publish import publish_candidate


@pytest.fixture
def place(tmp_path, mlflow_database):
    """A project with two releases, of which the second is live."""
    source = make_repository(tmp_path / "source", {"a.py": "A = 1\n"})
    folder = with_database(make_workspace(tmp_path / "workspace", {"sky": source}), mlflow_database)
    params = load_params(folder)
    project = params.project("sky", folder)
    for word in ("moon", "sun"):
        write_night(project, word)
        publish_candidate(Releases(project), params, candidate_of(project, word), True, GATES)
    return project


@pytest.fixture
def asked(monkeypatch):
    """How often MLflow was asked."""
    times = []

    class Counted(Releases):
        def champion(self):
            times.append(1)
            return super().champion()

    monkeypatch.setattr(champion_cache, "Releases", Counted)
    return times


def test_what_is_remembered_is_what_mlflow_says(place, asked):
    assert champion_cache.read_champion(place) == champion_cache.read_champion(place) == Releases(place).champion()
    assert len(asked) == 1
    assert champion_cache.read_champion(place).adapter.is_dir()


def test_a_search_after_the_first_does_not_load_mlflow(place):
    champion_cache.read_champion(place)
    code = (
        "import sys; from pathlib import Path\n"
        "from pipelines.config.load import load_params; from pipelines.release.index_versions import open_served\n"
        f"folder = Path({str(place.workspace)!r}); params = load_params(folder)\n"
        "print(open_served(params.project('sky', folder), params, lambda live: live.version), 'mlflow' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "(2, []) False"


@pytest.mark.parametrize("how", ["promoted", "by hand", "taken away"])
def test_a_move_of_champion_is_seen_at_once(place, asked, how):
    assert champion_cache.read_champion(place).version == 2
    if how == "promoted":
        Releases(place).promote(1, "test")
    elif how == "by hand":
        open_client(place.workspace).set_registered_model_alias("sky", CHAMPION, "1")
    else:
        open_client(place.workspace).delete_registered_model_alias("sky", CHAMPION)
        with pytest.raises(NocturneError, match="No release of `sky` is live"):
            champion_cache.read_champion(place)
        return
    assert champion_cache.read_champion(place).version == 1
    assert champion_cache.read_champion(place).version == 1
    assert len(asked) == 2


def test_a_write_that_goes_back_in_time_and_size_is_seen(place, asked):
    champion_cache.read_champion(place)
    file = place.workspace / "mlruns" / "mlflow.db"
    before = file.stat()
    open_client(place.workspace).set_registered_model_alias("sky", CHAMPION, "1")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert champion_cache.read_champion(place).version == 1


def test_mlflow_is_asked_where_writes_are_not_counted(place, asked):
    champion_cache.read_champion(place)
    with closing(sqlite3.connect(tracking_uri(place.workspace).removeprefix("sqlite:///"))) as database:
        database.execute("PRAGMA journal_mode = WAL")
        champion_cache.read_champion(place)
        champion_cache.read_champion(place)
    assert len(asked) == 3


def test_mlflow_is_asked_while_its_database_is_being_written(place, asked):
    champion_cache.read_champion(place)
    journal = place.workspace / "mlruns" / "mlflow.db-journal"
    journal.touch()
    champion_cache.read_champion(place)
    journal.unlink()
    champion_cache.read_champion(place)
    assert len(asked) == 2


@pytest.mark.parametrize("text", [b"", b"[]", b'{"state": 1}', b"\xff"])
def test_what_cannot_be_read_is_asked_for_again(place, asked, text):
    champion_cache.read_champion(place)
    (place.cache / champion_cache.FILE).write_bytes(text)
    assert champion_cache.read_champion(place).version == 2
    assert champion_cache.read_champion(place).version == 2
    assert len(asked) == 2


def test_what_is_remembered_is_no_answer_for_another_database(place, asked, monkeypatch, tmp_path):
    champion_cache.read_champion(place)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(NocturneError, match="is not the registry that this workspace's releases are recorded in"):
        champion_cache.read_champion(place)
