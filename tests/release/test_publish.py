"""Releases when MLflow or the disk fails: nothing half-made is visible, and the next night mends it."""

import errno

import pytest
from conftest import make_repository, make_workspace
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from release.night_results import GATES, candidate_of, whole, write_night

from pipelines.config.load import load_params
from pipelines.errors import NocturneError, UsageError
from pipelines.index.store import embedded_store
from pipelines.registry.releases import CHALLENGER, CHAMPION, Releases
from pipelines.release.publish import promote, publish_candidate, rollback

ERRORS = (OSError(errno.ENOSPC, "No space left on device"), MlflowException("the database is gone"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """One workspace for the module: MLflow needs seconds to make its database. Each test has a project of its own."""
    folder = tmp_path_factory.mktemp("publication")
    source = make_repository(folder / "source", {"a.py": "A = 1\n"})
    return make_workspace(folder / "workspace", dict.fromkeys(("fresh", "fails", "waits", "moves", "card"), source))


@pytest.fixture
def params(place):
    return load_params(place)


def released(project, params, word):
    write_night(project, word)
    return publish_candidate(Releases(project), params, candidate_of(project, word), True, GATES)


# Each write of a release in its order, as (name, which call of it, whether it is done and only the answer is lost).
# The first alias is `champion`, the second `previous`; the first tag announces the move, the second is the event.
FAILURES = (
    ("create_registered_model", 1, False), ("create_registered_model", 1, True), ("index", 1, False),
    ("create_run", 1, False), ("log_artifacts", 1, False), ("log_artifact", 1, False), ("log_artifact", 3, False),
    ("log_batch", 1, False), ("log_batch", 2, False), ("log_inputs", 1, False), ("set_terminated", 1, False),
    ("set_terminated", 1, True), ("create_model_version", 1, False), ("create_model_version", 1, True),
    ("set_registered_model_tag", 1, False), ("set_registered_model_alias", 1, False),
    ("set_registered_model_alias", 1, True), ("set_registered_model_alias", 2, False),
    ("set_registered_model_tag", 2, False), ("set_registered_model_tag", 2, True),
)  # fmt: skip


class Breaking:
    """Makes one call of one write fail."""

    def __init__(self, monkeypatch):
        self.arm("", 0, False, ERRORS[0])
        for name in sorted({name for name, _, _ in FAILURES} - {"index"}):
            monkeypatch.setattr(MlflowClient, name, self.wrapped(getattr(MlflowClient, name), name))
        monkeypatch.setattr(
            embedded_store.EdgeStore, "publish", self.wrapped(embedded_store.EdgeStore.publish, "index")
        )

    def arm(self, name, count, late, error):
        self.name, self.left, self.late, self.error = name, count, late, error

    def wrapped(self, write, name):
        def call(*arguments, **named):
            self.left -= name == self.name
            if name != self.name or self.left:
                return write(*arguments, **named)
            if self.late:
                write(*arguments, **named)
            raise self.error

        return call


def test_a_failure_at_any_write_leaves_the_old_release_and_the_next_night_mends_it(place, params, monkeypatch):
    broken, words = Breaking(monkeypatch), []
    for place_of, (name, count, late) in enumerate(FAILURES):
        project = params.project("fresh" if place_of == 0 else "fails", place)
        word = f"word{place_of}"
        broken.arm(name, count, late, ERRORS[place_of % 2])
        with pytest.raises(NocturneError) as error:
            released(project, params, word)
        assert "What was live stays live" in error.value.next_step
        broken.arm("", 0, False, ERRORS[0])

        releases = Releases(project)
        live, every = releases.at(CHAMPION), releases.every()
        assert live is None or live.manifest.training in (*words[-1:], word)
        assert all(whole(project, params, release) for release in every[:2])

        assert (
            publish_candidate(Releases(project), params, candidate_of(project, word), True, GATES).state == "released"
        )
        words = [word] if place_of < 2 else [*words, word]
        assert [release.manifest.training for release in releases.every()] == words[::-1]
        assert releases.champion().manifest.training == word
        assert [event["to"] for event in releases.history()] == list(range(1, len(words) + 1))
        assert {event["by"] for event in releases.history()} == {"nightly"}


def test_a_rejected_candidate_publishes_nothing_and_says_what_is_live(place, params):
    project = params.project("waits", place)
    write_night(project, "bad")
    outcome = publish_candidate(Releases(project), params, candidate_of(project, "bad"), False, GATES)
    assert (outcome.state, outcome.release) == ("rejected", None)
    assert Releases(project).every() == []
    assert not project.live.exists()
    review = params.model_copy(update={"release": params.release.model_copy(update={"promotion": "review"})})
    assert released(project, review, "good").state == "waiting"
    assert Releases(project).at(CHALLENGER).version == 1
    assert Releases(project).at(CHAMPION) is None


def test_a_release_that_is_not_whole_cannot_go_live(place, params):
    import shutil

    project = params.project("moves", place)
    for word in ("one", "two", "three"):
        released(project, params, word)
    assert rollback(Releases(project), params, None).version == 2
    assert promote(Releases(project), params, 3).version == 3
    events = Releases(project).history()[-2:]
    assert [(event["by"], event["from"], event["to"]) for event in events] == [("rollback", 3, 2), ("promote", 2, 3)]
    shutil.rmtree(project.live / Releases(project).version(1).index_version)
    with pytest.raises(UsageError, match="cannot go live: its index"):
        promote(Releases(project), params, 1)
    shutil.rmtree(Releases(project).version(2).adapter)
    with pytest.raises(UsageError, match="cannot go live: its adapter"):
        rollback(Releases(project), params, None)
    assert Releases(project).champion().version == 3


def test_mlflow_has_the_card_the_parameters_the_datasets_and_the_commit(place, params):
    from mlflow.data import get_source

    project = params.project("card", place)
    outcome = released(project, params, "card")
    client = Releases(project).client
    version, run = client.get_model_version("card", str(outcome.release)), client.get_run(outcome.run)
    assert version.run_id == outcome.run
    for said in ("# card", "better than the base", "| adapter | 0.900 (0.700 to 1.100) |", "nocturne rollback"):
        assert said in version.description
    assert run.data.params["training.rank"] == str(params.training.rank)
    assert run.data.params["dataset.recipes.explain"] == "1.0"
    assert not any(key.startswith("projects") for key in run.data.params)
    assert run.data.tags["mlflow.source.git.commit"] == "c" * 40
    assert {i.tags[0].value: i.dataset.name for i in run.inputs.dataset_inputs} == {
        "training": "card train", "evaluation": "card holdout",
    }  # fmt: skip
    train = next(i.dataset for i in run.inputs.dataset_inputs if i.tags[0].value == "training")
    assert get_source(train).load() == str(project.path("dataset", "train.jsonl"))
