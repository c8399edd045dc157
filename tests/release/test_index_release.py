"""The index follows each commit: refused adapters, skipped and failed nights, and what a person does in between."""

import json
from dataclasses import replace

import pytest
from conftest import make_repository, make_workspace, with_database
from release.night_results import GATES, candidate_of, kept_by_dvc, some_questions, write_night

from pipelines.cli.release_views import format_line
from pipelines.config.load import load_params
from pipelines.config.schema import Gate
from pipelines.dag import dvc
from pipelines.errors import UsageError
from pipelines.gates import Retrieval, decide
from pipelines.index import is_present
from pipelines.lineage.datasets import restore
from pipelines.lineage.trace import parse_location, trace
from pipelines.night.outcome import with_index
from pipelines.records import read_json, read_jsonl, write_json, write_jsonl
from pipelines.registry.releases import CHALLENGER, CHAMPION, Releases
from pipelines.release import publish
from pipelines.release.compare import compare, explain_difference
from pipelines.release.index_release import judge_index, retrieval_of
from pipelines.release.publish import index_passed, publish_candidate, release_index_of_refused, rollback

FINDS = Gate(
    name="finds as much", metric="ndcg@10", arm="index", against="champion", margin=0.05, confidence=0.95,
    severity="block",
)  # fmt: skip
MOST = 24  # tests of this file that take a project
REFUSED = [{**GATES[0], "passed": False, "reason": "no gain"}]


class Judged:
    """A verdict of ready rows."""

    def __init__(self, rows):
        self._rows = rows

    def rows(self):
        return self._rows


@pytest.fixture(scope="module")
def place(tmp_path_factory, mlflow_database):
    folder = tmp_path_factory.mktemp("index_release")
    sources = {f"p{number:02}": folder / "sources" / f"p{number:02}" for number in range(MOST)}
    return with_database(make_workspace(folder / "workspace", sources), mlflow_database)


@pytest.fixture
def params(place):
    return load_params(place)


@pytest.fixture
def project(place, params):
    """A project of the test's own, with a repository of its own: no test sees what another one has released."""
    name = next(one for one in params.projects if not params.project(one, place).source.exists())
    found = params.project(name, place)
    make_repository(found.source, {"a.py": "A = 1\n"})
    return found


@pytest.fixture(autouse=True)
def made_by_dvc(monkeypatch):
    """No stage runs here, so dvc.lock names none of their folders."""
    monkeypatch.setattr(dvc, "output_hash", lambda project, stage: f"{stage}.dir")


def written(project, word):
    write_night(project, word)
    write_json(project.path("snapshot", "snapshot.json"), {"commit": word.ljust(40, "0")})
    write_json(project.path("snapshot", "base.json"), {"identity": "b" * 64})
    return candidate_of(project, word, word.ljust(40, "0"), kept_by_dvc(project))


def released(project, params, word):
    return publish_candidate(Releases(project), params, written(project, word), True, GATES)


def refused(project, params, word, rows=REFUSED):
    now = written(project, word)
    outcome = publish_candidate(Releases(project), params, now, False, rows)
    return with_index(outcome, release_index_of_refused(Releases(project), params, now, Judged(rows)))


def test_a_refused_adapter_leaves_the_old_one_live_with_the_new_index(project, params):
    released(project, params, "good")
    outcome = refused(project, params, "worse")
    live = Releases(project).champion()
    assert (outcome.state, outcome.passed, outcome.release, outcome.index_release) == ("rejected", False, 2, 2)
    assert (live.version, live.adapter_version, live.manifest.training) == (2, 1, "good")
    assert live.index_version != Releases(project).version(1).index_version
    assert is_present(project, params.index, live.index_version)
    assert read_json(live.adapter / "adapter_config.json") == {"word": "good"}
    assert live.manifest.commit == "worse".ljust(40, "0")
    assert [gate["reason"] for gate in live.manifest.gates] == ["+10%"], (
        "what its adapter passed, not what failed tonight"
    )
    assert [gate["reason"] for gate in Releases(project).gates_of("worse")] == ["no gain"]
    assert "gain +10.0%  adapter of release 1  champion" in format_line(live)
    assert live.manifest.dataset_dvc == Releases(project).version(1).manifest.dataset_dvc
    assert [(event["from"], event["to"], event["by"]) for event in Releases(project).history()] == [
        (None, 1, "nightly"), (1, 2, "nightly"),
    ]  # fmt: skip
    assert rollback(Releases(project), params, None).version == 1
    assert "An adapter and the search index it was measured with; " in card_of(project, 1)
    assert "The search index of this commit and the adapter of release 1; " in card_of(project, 2)


def card_of(project, number):
    """What MLflow shows on the page of a release."""
    return Releases(project).client.get_model_version(project.name, str(number)).description


def test_what_a_person_rolled_back_is_not_released_again_and_another_commit_is(project, params):
    released(project, params, "good")
    refused(project, params, "worse")
    assert Releases(project).carried_out("worse", auto=True)
    rollback(Releases(project), params, 1)
    assert Releases(project).carried_out("worse", auto=True)
    assert refused(project, params, "worst").index_release == 3
    assert Releases(project).champion().manifest.training == "good"


def test_a_night_that_was_killed_before_its_index_was_released_is_judged_again(project, params, monkeypatch):
    now = written(project, "killed")
    publish_candidate(Releases(project), params, now, False, REFUSED)
    assert Releases(project).decided("killed") is False
    assert not Releases(project).carried_out("killed", auto=True)
    with monkeypatch.context() as broken:
        broken.setattr(Releases, "register", lambda *_, **__: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception):
            release_index_of_refused(Releases(project), params, now, Judged(REFUSED))
    assert not Releases(project).carried_out("killed", auto=True)
    made = release_index_of_refused(Releases(project), params, now, Judged(REFUSED))
    assert made is not None
    assert Releases(project).carried_out("killed", auto=True)


def test_without_a_live_release_the_base_model_takes_the_place_of_the_adapter(project, params):
    outcome = refused(project, params, "first")
    live = Releases(project).champion()
    assert outcome.index_release == live.version == 1
    assert read_json(live.adapter / "learned.json")["kind"] == "nothing"
    assert (live.adapter_version, live.manifest.dataset_dvc) == (1, "")
    assert explain_difference(project, 1)["metrics"]["index"]["ndcg@10"]["value"] == 1.0
    assert "The search index of this commit and the base model as it is; " in card_of(project, 1)
    assert "| dataset | none: nothing was trained |" in card_of(project, 1)


def test_a_release_without_a_trained_adapter_has_learned_from_nothing(project, params, tmp_path):
    refused(project, params, "first")
    assert Releases(project).champion().manifest.dataset_dvc == ""
    assert trace(project, parse_location("src/first.py", None)) == []
    with pytest.raises(UsageError, match="Release 1 has no dataset: nothing was trained for it"):
        restore(project, 1, tmp_path / "restored")


def test_the_same_index_is_not_released_again(project, params):
    refused(project, params, "first")
    now = written(project, "first")
    publish_candidate(Releases(project), params, now, False, REFUSED)
    assert release_index_of_refused(Releases(project), params, now, Judged(REFUSED)) is None
    assert Releases(project).carried_out("first", auto=True)


def test_with_review_the_new_index_waits(project, params):
    released(project, params, "good")
    review = params.model_copy(update={"release": params.release.model_copy(update={"promotion": "review"})})
    outcome = refused(project, review, "worse")
    assert (outcome.release, outcome.index_release) == (1, 2)
    assert Releases(project).at(CHALLENGER).version == 2
    assert Releases(project).at(CHAMPION).version == 1


def test_an_index_that_its_own_gate_refuses_is_not_released(project, params):
    released(project, params, "good")
    rows = [*REFUSED, {**GATES[0], "arm": "index", "passed": False}]
    assert refused(project, params, "worst", rows).index_release is None
    assert Releases(project).carried_out("worst", auto=True)
    warned = [*REFUSED, {**GATES[0], "arm": "index", "passed": False, "severity": "warn"}]
    assert refused(project, params, "warned", warned).index_release == 2


def test_a_source_that_goes_back_gets_its_former_release_back(project, params):
    released(project, params, "one")
    released(project, params, "two")
    assert Releases(project).decided("one") is None, "the last night decided on something else"
    assert released(project, params, "one").release == 1
    assert Releases(project).champion().version == 1
    refused(project, params, "three")
    released(project, params, "four")
    former = refused(project, params, "three").index_release
    assert Releases(project).version(former).manifest.training == "four", "not the adapter that was live before it"


def test_a_night_without_a_measured_adapter_releases_its_index_once(project, params, monkeypatch):
    released(project, params, "good")
    written(project, "more")
    found = some_questions(1.0)
    monkeypatch.setattr("pipelines.evaluation.retrieval.measure_retrieval", lambda *_: found)
    made = release_index_of_refused(Releases(project), params, None, None)
    assert (made.version, made.adapter_version) == (2, 1)
    assert list(read_jsonl(made.files.path("retrieval.jsonl"))) == found
    assert release_index_of_refused(Releases(project), params, None, None) is None
    rollback(Releases(project), params, 1)
    assert release_index_of_refused(Releases(project), params, None, None) is None, "a person's rollback stays"


def test_a_warm_start_and_drift_name_the_release_that_the_adapter_is_of(project, params):
    from pipelines.night import warm_start

    warmed = params.model_copy(update={"training": params.training.model_copy(update={"warm_start": True})})
    released(project, params, "good")
    assert warm_start.write_warm_start(project, warmed, Releases(project).at(CHAMPION))
    refused(project, params, "worse")
    assert Releases(project).champion().version == 2
    assert not warm_start.write_warm_start(project, warmed, Releases(project).at(CHAMPION)), (
        "the adapter is the same, so training is not out of date"
    )


def test_figures_of_retrieval_are_shown_and_compared(project, params):
    released(project, params, "good")
    write_night(project, "other")
    evaluation = read_json(project.path("evaluation", "evaluation.json"))
    figure = {"value": 0.5, "low": 0.4, "high": 0.6}
    evaluation["retrieval"] = {"questions": 3, "files": 2, "metrics": {"recall@10": figure}, "by_language": {}}
    write_json(project.path("evaluation", "evaluation.json"), evaluation)
    publish_candidate(
        Releases(project), params, candidate_of(project, "other", dataset_dvc=kept_by_dvc(project)), True, GATES
    )
    assert explain_difference(project, 2)["metrics"]["index"] == {"recall@10": figure}
    assert compare(project, params, 1, 2)["metrics"]["index"]["recall@10"] == [None, figure]


@pytest.mark.parametrize(
    ("tonight", "passed", "reason"),
    [
        (1.0, True, r"\+0.0 points|\+0.00 points"),
        (0.97, True, "points"),
        (0.90, False, "finds less"),
    ],
)
def test_an_index_passes_as_long_as_it_does_not_find_less_by_the_margin(params, tonight, passed, reason):
    found = Retrieval(some_questions(tonight), some_questions(1.0))
    verdict = decide([], None, [FINDS], params.evaluation, retrieval=found)
    assert (verdict.passed, index_passed(verdict.rows())) == (passed, passed)
    import re

    assert re.search(reason, verdict.gates[0].reason)


def test_where_nothing_can_be_compared_the_index_passes_and_says_why(params):
    for found, why in (
        (Retrieval([], None, "there is no live index yet"), "no live index"),
        (Retrieval(some_questions(0.1), []), "no question is the same"),
        (Retrieval(some_questions(0.1), None, "release 3 has no record"), "release 3 has no record"),
    ):
        row = decide([], None, [FINDS], params.evaluation, retrieval=found).gates[0]
        assert row.passed
        assert why in row.reason
    one_rank = some_questions(1.0)
    one_rank[0] = {**one_rank[0], "ndcg@10": 0.0}
    moved = decide([], None, [FINDS], params.evaluation, retrieval=Retrieval(one_rank, some_questions(1.0)))
    assert moved.gates[0].value == pytest.approx(-1 / 16)
    assert moved.passed, "one rank of sixteen questions is chance, though it is more than the margin"
    alone = Retrieval(some_questions(0.5, 1)[:1], some_questions(1.0, 1)[:1])
    judged = decide([], None, [FINDS], params.evaluation, retrieval=alone).gates[0]
    assert judged.passed, "there is no telling from one question"
    assert judged.reason.startswith("one question shows nothing: ")
    few = Retrieval(some_questions(0.5, 2), some_questions(1.0, 2))
    assert not decide([], None, [FINDS], params.evaluation, retrieval=few).passed


def test_a_gate_can_ask_for_a_number(params):
    asked = FINDS.model_copy(update={"against": 0.6, "margin": 0.0, "metric": "recall@10"})
    for value, passed in ((0.9, True), (0.5, False)):
        found = Retrieval(some_questions(value), None, "")
        assert decide([], None, [asked], params.evaluation, retrieval=found).passed is passed


@pytest.mark.parametrize(
    "change", [{"arm": "adapter"}, {"metric": "bits_per_byte"}, {"against": "base"}]
)  # fmt: skip
def test_retrieval_metrics_and_the_arm_index_belong_together(change):
    with pytest.raises(ValueError, match="arm index"):
        Gate(**{**json.loads(FINDS.model_dump_json()), **change})


def test_a_live_release_that_has_lost_its_record_is_not_compared_with(project, params, monkeypatch):
    released(project, params, "good")
    live = Releases(project).champion()
    live.files.path("retrieval.jsonl").unlink()
    monkeypatch.setattr("pipelines.evaluation.retrieval.measure_retrieval", lambda *_: some_questions(0.1))
    verdict, _ = judge_index(project, params, live)
    assert verdict.passed
    assert "no record" in retrieval_of(live, []).skipped


def test_a_file_that_a_release_on_another_machine_lacks_is_missing_there_too(project, params, tmp_path):
    """MLflow's server has no record of what the live index found."""
    released(project, params, "far")
    live = Releases(project).champion()
    live.files.path("retrieval.jsonl").unlink()
    far = replace(live, files=replace(live.files, uri="mlflow-artifacts:/far", copies=tmp_path / "copies"))
    assert far.files.path("scores.jsonl").is_file()
    assert "no record" in retrieval_of(far, []).skipped
    assert {path.name for path in (tmp_path / "copies").iterdir()} == {far.files.run}


def test_status_says_how_far_the_live_index_is_behind_the_source(project, params):
    from conftest import commit_all, git

    from pipelines.cli.indexes import describe_lag
    from pipelines.release.index_versions import count_lag

    released(project, params, "old")  # of a commit that the source does not have
    write_night(project, "behind")
    head = git(project.source, "rev-parse", "HEAD").strip()
    publish_candidate(
        Releases(project), params, candidate_of(project, "behind", head, kept_by_dvc(project)), True, GATES
    )
    live = Releases(project).champion()
    assert describe_lag(count_lag(project, live)) == "up to date with the source"
    (project.source / "a.py").write_text("A = 2\n")
    assert describe_lag(count_lag(project, live)) == "1 file changed since"
    (project.source / "b.py").write_text("B = 2\n")
    commit_all(project.source)
    assert describe_lag(count_lag(project, live)) == "1 commit behind the source, 2 files changed since"
    assert count_lag(project, Releases(project).version(1)) is None, "the source has no such commit"


def test_a_file_that_the_night_read_before_it_was_committed_has_not_changed_since(project, params):
    from conftest import commit_all, git

    from pipelines.release.index_versions import count_lag

    (project.source / "b.py").write_text("COMMITTED = 3\n")
    commit_all(project.source)
    head = git(project.source, "rev-parse", "HEAD").strip()
    for name in ("a.py", "b.py"):
        (project.source / name).write_text("EDITED = 3\n")
    write_night(project, "dirty")
    blob = git(project.source, "hash-object", "a.py").strip()
    file, origin = project.path("extraction", "chunks.jsonl"), {"path": "a.py", "blob": blob, "commit": f"{head}-dirty"}
    write_jsonl(file, [{**chunk, **origin} for chunk in list(read_jsonl(file))])
    index = {stage: kept_by_dvc(project, stage) for stage in ("extraction", "embedding")}
    now = candidate_of(project, "dirty", head, kept_by_dvc(project), index)
    publish_candidate(Releases(project), params, now, True, GATES)
    live = Releases(project).champion()
    assert count_lag(project, live) == {"commits": 0, "files": 1}, "b.py alone"
    commit_all(project.source)
    assert count_lag(project, live) == {"commits": 1, "files": 1}
    (project.source / "a.py").write_text("EDITED = 4\n")
    assert count_lag(project, live) == {"commits": 1, "files": 2}


def test_a_release_of_an_index_can_be_promoted_like_any_other(project, params):
    released(project, params, "good")
    refused(project, params, "worse")
    rollback(Releases(project), params, 1)
    assert publish.promote(Releases(project), params, 2).version == 2
    with pytest.raises(UsageError):
        publish.promote(Releases(project), params, 9)
