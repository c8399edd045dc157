"""The tasks that decide, without a server: what a release task says, and that a failed clearing is no failed night."""

import logging

import pytest
from conftest import make_repository, make_workspace
from release.night_results import GATES, candidate_of, write_night

from pipelines.config.load import load_params
from pipelines.dag import dvc, journal
from pipelines.errors import NocturneError
from pipelines.gates import verdict_word
from pipelines.gates.verdict import Judged, Verdict
from pipelines.night.context import NightContext
from pipelines.records import write_json
from pipelines.release import index_versions, retention


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decisions")
    source = make_repository(folder / "source", {"a.py": "A = 1\n"})
    place = make_workspace(folder / "workspace", {"moon": source})
    return load_params(place).project("moon", place)


def test_a_release_and_the_clearing_after_it_say_what_they_did(project):
    from flows.nightly import clear, release

    params = load_params(project.workspace)
    write_night(project, "one")
    outcome = release.fn(
        NightContext.begin(project, params), candidate_of(project, "one"), Verdict([Judged(**GATES[0])])
    )
    assert (outcome.state, outcome.release) == ("released", 1)
    assert journal.read(project, "release").facts["release"] == 1
    clear.fn(NightContext.begin(project, params))
    assert journal.read(project, "gc").facts == {"releases": 0, "freed": "0.0 MB", "in_the_trash": "0.0 MB"}


def test_the_page_of_a_refused_night_is_written_again_once_its_index_has_a_release(project, monkeypatch):
    from flows import nightly

    params, written = load_params(project.workspace), []
    write_night(project, "refused")
    write_json(project.path("snapshot", "snapshot.json"), {"commit": "c" * 40})
    write_json(project.path("snapshot", "base.json"), {"identity": "b" * 64})
    monkeypatch.setattr(dvc, "output_hash", lambda project, stage: f"{stage}.dir")
    monkeypatch.setattr(nightly.page, "write_report", lambda *_: written.append(_[-1]))
    now, verdict = candidate_of(project, "refused"), Verdict([Judged(**{**GATES[0], "passed": False})])
    made = nightly.release_index.fn(NightContext.begin(project, params), now, verdict)
    assert written == [made.version]
    assert nightly.release_index.fn(NightContext.begin(project, params), now, verdict) is None
    assert written == [made.version], "no other release, no other page"


def test_a_clearing_that_fails_is_told_and_ends_no_night(project, monkeypatch):
    from prefect.logging import disable_run_logger

    from flows.nightly import clear

    def full(*_):
        raise NocturneError("The disk is full.", "Free some.")

    monkeypatch.setattr(retention, "clear", full)
    with disable_run_logger():
        clear.fn(NightContext.begin(project, load_params(project.workspace)))
    assert journal.read(project, "gc").error == {"fact": "The disk is full.", "next_step": "Free some."}


def test_the_table_of_gates_begins_with_the_verdict_and_per_cents():
    from flows.shown import gate_row

    refused = gate_row({**GATES[0], "passed": False, "arm": "adapter"})
    assert list(refused)[:5] == ["verdict", "gate", "gain", "interval", "needed"]
    assert list(refused.values())[:4] == ["REFUSED", "better than the base", "+10.00%", "+5.00% to +15.00%"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "passed"),
        ({"passed": False}, "REFUSED"),
        ({"passed": False, "severity": "warn"}, "warned"),
        ({"value": None, "low": None, "high": None, "reason": "skipped: there is no champion yet"}, "skipped"),
    ],
)
def test_a_gate_that_was_not_judged_is_skipped_and_not_passed(changed, said):
    from flows.shown import gate_row

    row = {**GATES[0], **changed}
    assert gate_row(row)["verdict"] == verdict_word(row) == said


def test_an_index_that_cannot_be_mended_is_told_and_ends_no_night(project, monkeypatch, caplog):
    from flows import nightly

    def gone(*_):
        raise NocturneError("Nothing makes it.", "Restore a backup.")

    monkeypatch.setattr(index_versions, "repair_live", gone)
    monkeypatch.setattr(nightly, "get_run_logger", lambda: logging.getLogger("night"))
    nightly.repair_live(NightContext.begin(project, load_params(project.workspace)))
    assert "Nothing makes it. Restore a backup." in caplog.text
