"""What is kept, what goes, and that a clearing which is killed anywhere leaves every release whole.

MLflow, DVC and index are real; each test has a copy of one workspace.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest
from conftest import commit_all, git, make_repository, make_workspace
from mlflow import MlflowClient
from release.night_results import GATES, LOST, candidate_of, copy_workspace, kept_by_dvc, whole, write_night
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.config.load import load_params
from pipelines.dag import cache, dvc
from pipelines.errors import NocturneError, UsageError
from pipelines.index import is_present
from pipelines.lineage.datasets import restore
from pipelines.lineage.forget import forget
from pipelines.lineage.trace import parse_location, trace
from pipelines.records import read_json, tree_sha256, write_json
from pipelines.registry.releases import CHAMPION, Releases
from pipelines.registry.tracking import experiment_of, open_client
from pipelines.release import retention
from pipelines.release.compare import compare, explain_difference
from pipelines.release.publish import promote, publish_candidate, rollback

WORDS = ("one", "two", "three", "four", "five")


def night(project, params, word, passed=True, gain=0.1):
    write_night(project, word, gain)
    commit = git(project.source, "rev-parse", "HEAD").strip()
    now = candidate_of(project, word, commit, kept_by_dvc(project))
    return publish_candidate(Releases(project), params, now, passed, GATES)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Six releases: the fifth is live, the sixth `previous`, and the first a person's own. Between them are a rejected
    candidate and an interrupted one. Another project has a release, and a branch names what DVC made earlier."""
    folder = tmp_path_factory.mktemp("retention")
    source = make_repository(folder / "source", {"src/a.py": "A = 1\n"})
    place = make_workspace(folder / "workspace", {"moon": source, "sun": source}, release={"keep": 2})
    params = load_params(place)
    project, sun = params.project("moon", place), params.project("sun", place)
    dvc.reproduce(project, "snapshot")
    commit_all(place, "a night")
    git(place, "branch", "kept")
    first = dvc.output_hash(project, "snapshot")
    (source / "src" / "b.py").write_text("B = 2\n")
    commit_all(source)
    dvc.reproduce(project, "snapshot")
    for word in WORDS[:4]:
        night(project, params, word, gain=0.1 * len(word))
    night(project, params, "rejected", passed=False)
    mlflow = open_client(place)
    mlflow.create_run(experiment_of(mlflow, project), start_time=1, tags={"nocturne.night": '"interrupted"'})
    mine = mlflow.create_run(experiment_of(mlflow, project), run_name="a person's own").info.run_id
    promote(Releases(project), params, 2)
    night(project, params, "five")
    mlflow.set_registered_model_alias("moon", "favourite", "1")
    night(sun, params, "sunny")
    (source / "src" / "c.py").write_text("C = 3\n")
    commit_all(source, "the third file")
    rank = params.model_copy(update={"training": params.training.model_copy(update={"rank": 32})})
    night(project, rank, "six")
    rollback(Releases(project), params, None)
    return place, {"mine": mine, "branch": first}


@pytest.fixture
def place(original, tmp_path):
    return copy_workspace(original[0], tmp_path / "copy")


@pytest.fixture
def params(place):
    return load_params(place)


@pytest.fixture
def project(params, place):
    return params.project("moon", place)


@pytest.fixture
def history(original):
    """What the releases alone do not say: a person's `mine` run, and what the `branch` names."""
    return original[1]


@pytest.fixture
def cleared(project, params):
    """All that nothing needs is gone."""
    return retention.clear(Releases(project), params, at_once=True)


def test_a_release_is_explained_whole(project):
    facts = explain_difference(project, 2)
    assert facts["metrics"]["adapter"]["bits_per_byte"]["value"] == pytest.approx(0.7)
    assert facts["data"]["recipes"] == {"fim": 3, "explain": 3}
    assert facts["recorded"]["params"]["training.rank"] == "16"
    assert [(event["from"], event["to"], event["by"]) for event in facts["promotions"]] == [
        (1, 2, "nightly"), (2, 3, "nightly"), (4, 2, "promote"), (2, 5, "nightly"),
    ]  # fmt: skip


def test_two_releases_are_compared_by_figures_data_parameters_commits_and_texts(project, params):
    facts = compare(project, params, 1, 3)
    one, other = facts["metrics"]["adapter"]["bits_per_byte"]
    assert (one["value"], other["value"]) == (pytest.approx(0.7), pytest.approx(0.5))
    assert facts["paired"] == {"examples": 3, "confidence": 0.95, "gain": facts["paired"]["gain"]}
    assert facts["paired"]["gain"]["value"] == pytest.approx(1 - 50 / 70, abs=1e-4)
    assert facts["data"]["files"] == {"added": ["src/three.py"], "removed": ["src/one.py"], "changed": []}
    assert facts["data"]["examples"] == {"added": 3, "removed": 3, "same": 3}
    assert facts["parameters"] == {}
    assert facts["code"]["added"]["count"] == 0
    assert facts["generations"][0]["generated"] == {"adapter": ["one", "three"]}
    with pytest.raises(UsageError, match="no release 9"):
        compare(project, params, 1, 9)


def test_a_changed_parameter_and_the_commits_between_are_named(project, params):
    facts = compare(project, params, 5, 6)
    assert facts["parameters"] == {"training.rank": [16, 32]}
    assert facts["code"]["added"]["count"] == 1
    assert "the third file" in facts["code"]["added"]["commits"][0]


def test_what_would_go_is_said_and_nothing_is_touched(project, params, place):
    def everything():
        folders = (place / "mlruns" / "artifacts", project.live, place / ".dvc" / "cache")
        return [tree_sha256(folder) for folder in folders], [one.version for one in Releases(project).every()]

    before = everything()
    waste = retention.find_waste(Releases(project), params)
    assert everything() == before
    assert waste.releases == [4, 3, 2]
    names = {run.name for run in waste.runs}
    assert len(waste.runs) == 5, names  # of three releases, the refused and the interrupted one
    assert len(waste.indexes) == 3
    assert waste.objects.count > 0
    assert waste.bytes > 3 * 3000


@pytest.fixture
def nocturne(place, monkeypatch):
    """Runs the command in this process; returns what it prints."""
    monkeypatch.setenv("NOCTURNE_HOME", str(place))

    def run(*arguments):
        result = CliRunner().invoke(app, [*arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_the_commands_say_the_same_as_their_json(nocturne, project):
    assert [one["version"] for one in json.loads(nocturne("releases", "--json"))] == [6, 5, 4, 3, 2, 1]
    assert json.loads(nocturne("show", "2", "--json"))["recorded"]["run"] in nocturne("show", "2")
    assert "release 4 → release 2  promote" in nocturne("show", "2")
    said = nocturne("compare", "5", "6")
    assert "training.rank: 16 → 32" in said
    assert "the third file" in said
    assert "files added: 1: src/six.py" in said
    assert json.loads(nocturne("compare", "5", "6", "--json"))["parameters"] == {"training.rank": [16, 32]}
    assert len(nocturne("history").splitlines()) == len(json.loads(nocturne("history", "--json"))) == 8
    waste = json.loads(nocturne("gc", "--dry-run", "--json"))
    assert waste["releases"] == [4, 3, 2]
    assert f"{waste['bytes'] / 2**20:,.1f} MB not needed" in nocturne("gc", "--dry-run")


def aged(place, name, days):
    """As if an item had been in the trash for so many days more."""
    file = place / "data" / ".trash.json"
    said = read_json(file)
    since = datetime.fromisoformat(said["items"][name]) - timedelta(days=days)
    write_json(file, {**said, "items": {**said["items"], name: since.isoformat()}})


def test_what_nothing_needs_waits_in_the_trash_and_what_is_needed_again_leaves_it(project, params):
    done = retention.clear(Releases(project), params)
    assert done.gone.facts() == retention.Waste().facts()
    assert done.waiting.facts() == retention.find_waste(Releases(project), params).facts()
    assert timedelta(days=6, hours=23) < done.until - datetime.now(UTC) <= timedelta(days=7)
    assert [one.version for one in Releases(project).every()] == [6, 5, 4, 3, 2, 1]
    assert all(whole(project, params, release) for release in Releases(project).every())

    Releases(project).client.set_registered_model_alias("moon", "needed", "4")
    assert retention.clear(Releases(project), params).waiting.releases == [3, 2]
    Releases(project).client.delete_registered_model_alias("moon", "needed")
    assert retention.clear(Releases(project), params).waiting.releases == [4, 3, 2]


def test_an_item_is_deleted_after_its_days_in_the_trash_and_no_other_one(project, params, place):
    waiting = retention.clear(Releases(project), params).waiting
    interrupted = next(run for run in waiting.runs if run.bytes == 0)
    aged(place, f"moon/run/{interrupted.run}", 6)
    assert retention.clear(Releases(project), params).gone.facts() == retention.Waste().facts()
    aged(place, f"moon/run/{interrupted.run}", 1)
    done = retention.clear(Releases(project), params)
    assert done.gone.runs == [interrupted]
    assert done.gone.releases == []
    assert done.waiting.releases == [4, 3, 2]
    assert interrupted not in retention.find_waste(Releases(project), params).runs


class Killed(BaseException):
    """What no code here catches, as little as SIGKILL."""


@pytest.mark.parametrize("step", ["delete_model_version", "delete_leftovers", "delete_versions", "dvc_cache"])
def test_a_clearing_that_is_killed_leaves_every_release_whole(project, params, monkeypatch, step):
    """Before the first release goes, when they are gone, when their runs are, and when their indexes are."""

    def killer(*_, **__):
        raise Killed

    owner = {"delete_model_version": MlflowClient, "dvc_cache": cache}.get(step, retention)
    monkeypatch.setattr(owner, "clear" if step == "dvc_cache" else step, killer)
    with pytest.raises(Killed):
        retention.clear(Releases(project), params, at_once=True)
    every = Releases(project).every()
    assert {6, 5, 1} <= {release.version for release in every}
    assert all(whole(project, params, release) for release in every)
    assert all(dvc.read_stored(project, release.manifest.dataset_dvc) for release in every)


def test_a_clearing_takes_what_nothing_names_and_nothing_else(project, params, history, place, tmp_path):
    sun = Releases(params.project("sun", place)).champion()
    others = dvc.read_stored(project, sun.manifest.dataset_dvc)
    assert others
    retention.clear(Releases(project), params, at_once=True)
    every = Releases(project).every()
    assert [release.version for release in every] == [6, 5, 1]
    assert all(whole(project, params, release) for release in every)
    for release in every:
        assert restore(project, release.version, tmp_path / str(release.version))
    assert {folder.name for folder in project.live.iterdir()} == {release.index_version for release in every}
    assert dvc.read_stored(project, sun.manifest.dataset_dvc) == others
    assert whole(params.project("sun", place), params, sun)
    mlflow = open_client(place)
    assert mlflow.get_run(history["mine"]).info.lifecycle_stage == "active"
    kept = {path.name for path in (place / "mlruns" / "artifacts" / "moon").iterdir()}
    assert kept == {release.files.run for release in every}
    assert retention.clear(Releases(project), params, at_once=True).gone.facts() == retention.Waste().facts()


def test_a_refused_candidate_of_another_project_keeps_its_dataset(project, params, place):
    sun = params.project("sun", place)
    night(sun, params, "clouded", passed=False)
    refused = kept_by_dvc(sun)
    night(sun, params, "sunny")
    retention.clear(Releases(project), params, at_once=True)
    assert dvc.read_stored(sun, refused), "its project keeps it as long as a release"
    retention.clear(Releases(sun), params, at_once=True)
    assert dvc.read_stored(sun, refused)


def test_dvc_has_nothing_to_do_and_still_has_what_it_made_and_what_a_branch_names(project, history, cleared):
    assert "snapshot" not in dvc.find_stale(project)
    kept = dvc.read_stored(project, dvc.output_hash(project, "snapshot"))
    made = project.path("snapshot")
    assert {name: file.read_bytes() for name, file in kept.items()} == {
        file.relative_to(made).as_posix(): file.read_bytes() for file in made.rglob("*") if file.is_file()
    }
    assert dvc.read_stored(project, history["branch"])
    assert history["branch"] != dvc.output_hash(project, "snapshot")


def test_a_removed_release_is_not_offered_and_trace_says_that_it_was_removed(project, params, cleared, nocturne):
    assert "removed: release 2, 3, 4." in nocturne("trace", "src/three.py")
    with pytest.raises(UsageError, match=r"Release 3 .* was removed"):
        rollback(Releases(project), params, 3)
    seen = trace(project, parse_location("src/three.py", None))
    assert [(one.releases, one.removed, one.examples) for one in seen] == [([], [number], None) for number in (2, 3, 4)]
    assert [event["to"] for event in Releases(project).history()] == [1, 2, 3, 4, 2, 5, 6, 5]


def test_nothing_is_taken_while_nothing_is_live(project, params):
    mlflow = Releases(project).client
    mlflow.delete_registered_model_alias("moon", CHAMPION)
    assert retention.find_waste(Releases(project), params).facts() == retention.Waste().facts()
    rollback(Releases(project), params, 5)


def test_an_alias_that_came_meanwhile_keeps_its_release(project, params, cleared, monkeypatch):
    releases = Releases(project)
    for word in ("seven", "eight", "nine"):
        night(project, params, word)
    chosen = retention.choose_waste

    def slow(every, keep):
        found = chosen(every, keep)
        releases.client.set_registered_model_alias("moon", "late", "6")
        return found

    monkeypatch.setattr(retention, "choose_waste", slow)
    with pytest.raises(NocturneError, match=r"Release 6 .* is late and stays"):
        retention.clear(Releases(project), params, at_once=True)
    assert whole(project, params, Releases(project).version(6))
    assert is_present(project, params.index, Releases(project).version(6).index_version)
    assert LOST not in {release.manifest.dataset_dvc for release in Releases(project).every()}


def test_what_was_forgotten_leaves_the_bin_at_the_next_clearing_of_its_own_project(project, params, place):
    sun = params.project("sun", place)
    for word in ("dawn", "dusk"):
        night(sun, params, word)
    assert retention.clear(Releases(sun), params).waiting.releases == [1]
    forget(sun, params, "src/dawn.py")
    night(project, params, "ten")
    retention.clear(Releases(project), params)
    assert retention.clear(Releases(sun), params).gone.releases == [1]
    night(sun, params, "midnight")
    assert retention.clear(Releases(sun), params).waiting.releases == [2], "what comes later has its days again"
