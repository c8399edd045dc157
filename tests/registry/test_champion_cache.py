"""What is live is known without MLflow, and only as long as MLflow would say the same."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from conftest import ROOT, make_repository, make_workspace, with_database
from release.night_results import GATES, candidate_of, write_night

from pipelines.errors import NocturneError
from pipelines.params import load_params
from pipelines.registry import remembered
from pipelines.registry.releases import CHAMPION, Releases
from pipelines.registry.tracking import client, uri
from pipelines.release.publication import carry_out


@pytest.fixture
def place(tmp_path, mlflow_database):
    """A project with two releases, of which the second is live."""
    source = make_repository(tmp_path / "source", {"a.py": "A = 1\n"})
    folder = with_database(make_workspace(tmp_path / "workspace", {"sky": source}), mlflow_database)
    params = load_params(folder)
    project = params.project("sky", folder)
    for word in ("moon", "sun"):
        write_night(project, word)
        carry_out(project, params, candidate_of(project, word), True, GATES)
    return project


@pytest.fixture
def asked(monkeypatch):
    """How often MLflow was asked."""
    times = []

    class Counted(Releases):
        def champion(self):
            times.append(1)
            return super().champion()

    monkeypatch.setattr(remembered, "Releases", Counted)
    return times


def test_what_is_remembered_is_what_mlflow_says(place, asked):
    assert remembered.champion(place) == remembered.champion(place) == Releases(place).champion()
    assert len(asked) == 1
    assert remembered.champion(place).adapter.is_dir()


def test_a_search_after_the_first_does_not_load_mlflow(place):
    remembered.champion(place)
    code = (
        "import sys; from pathlib import Path\n"
        "from pipelines.params import load_params; from pipelines.release.indexes import served\n"
        f"folder = Path({str(place.workspace)!r}); params = load_params(folder)\n"
        "print(served(params.project('sky', folder), params, lambda live: live.version), 'mlflow' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "(2, []) False"


@pytest.mark.parametrize("how", ["promoted", "by hand", "taken away"])
def test_a_move_of_champion_is_seen_at_once(place, asked, how):
    assert remembered.champion(place).version == 2
    if how == "promoted":
        Releases(place).promote(1, "test")
    elif how == "by hand":
        client(place.workspace).set_registered_model_alias("sky", CHAMPION, "1")
    else:
        client(place.workspace).delete_registered_model_alias("sky", CHAMPION)
        with pytest.raises(NocturneError, match="No release of `sky` is live"):
            remembered.champion(place)
        return
    assert remembered.champion(place).version == 1
    assert remembered.champion(place).version == 1
    assert len(asked) == 2


def test_a_write_that_goes_back_in_time_and_size_is_seen(place, asked):
    remembered.champion(place)
    file = place.workspace / "mlruns" / "mlflow.db"
    before = file.stat()
    client(place.workspace).set_registered_model_alias("sky", CHAMPION, "1")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert remembered.champion(place).version == 1


def test_mlflow_is_asked_where_writes_are_not_counted(place, asked):
    remembered.champion(place)
    with closing(sqlite3.connect(uri(place.workspace).removeprefix("sqlite:///"))) as database:
        database.execute("PRAGMA journal_mode = WAL")
        remembered.champion(place)
        remembered.champion(place)
    assert len(asked) == 3


def test_mlflow_is_asked_while_its_database_is_being_written(place, asked):
    remembered.champion(place)
    journal = place.workspace / "mlruns" / "mlflow.db-journal"
    journal.touch()
    remembered.champion(place)
    journal.unlink()
    remembered.champion(place)
    assert len(asked) == 2


@pytest.mark.parametrize("text", [b"", b"[]", b'{"state": 1}', b"\xff"])
def test_what_cannot_be_read_is_asked_for_again(place, asked, text):
    remembered.champion(place)
    (place.cache / remembered.FILE).write_bytes(text)
    assert remembered.champion(place).version == 2
    assert remembered.champion(place).version == 2
    assert len(asked) == 2


def test_what_is_remembered_is_no_answer_for_another_database(place, asked, monkeypatch, tmp_path):
    remembered.champion(place)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(NocturneError, match="is not the registry that this workspace's releases are recorded in"):
        remembered.champion(place)
