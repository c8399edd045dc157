from uuid import uuid4

import pytest
from conftest import ROOT

from pipelines.errors import NocturneError, UsageError
from pipelines.project import Project
from pipelines.registry.manifest import Manifest
from pipelines.registry.releases import CHALLENGER, CHAMPION, PREVIOUS, Releases
from pipelines.registry.tracking import LiveRun, experiment_of, find_training, has_registry

MANIFEST = {
    "night": "n1",
    "training": "t1",
    "commit": "c" * 40,
    "base_model": "data/models/nano-coder",
    "base_identity": "b",
    "chat_template_sha256": "h",
    "dataset_sha256": "d",
    "dataset_dvc": "e.dir",
    "index_version": "i1",
    "encoder": "MiniLM",
    "dimension": 384,
    "gates": [{"name": "base", "value": 0.1, "passed": True}],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """One database for the module: MLflow needs seconds to make one. Each test has a project of its own."""
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture
def project(place):
    return Project(f"p{uuid4().hex}", ROOT, place)


def manifest(**changes):
    return Manifest(**{**MANIFEST, **changes})


def recorded(project, tmp_path, passed=True, **changes):
    adapter = tmp_path / "adapter"
    adapter.mkdir(exist_ok=True)
    (adapter / "adapter_config.json").write_text("{}")
    (tmp_path / "training.json").write_text('{"paths": ["a.py"]}')
    about = manifest(**changes)
    return about, Releases(project).record(about, adapter, tmp_path / "training.json", [], {"gain": 0.1}, passed)


def released(project, tmp_path, promote=True, **changes):
    about, run = recorded(project, tmp_path, **changes)
    return Releases(project).register(about, run, promote, "test")


def test_asking_before_the_first_night_creates_nothing(tmp_path):
    fresh = Project("fresh", ROOT, tmp_path)
    releases = Releases(fresh)
    assert releases.every() == []
    assert releases.at(CHAMPION) is None
    assert not has_registry(tmp_path)
    with pytest.raises(NocturneError, match="No release of `fresh` is live") as error:
        releases.champion()
    assert "nocturne nightly fresh" in error.value.next_step


def test_a_release_names_everything_it_belongs_with(project, tmp_path):
    made = released(project, tmp_path)
    assert made.manifest == manifest()
    assert made.aliases == (CHAMPION,)
    assert (made.adapter / "adapter_config.json").is_file()
    assert Releases(project).champion() == made


def test_a_challenger_waits_until_a_person_promotes_it(project, tmp_path):
    waiting = released(project, tmp_path, promote=False)
    releases = Releases(project)
    assert releases.at(CHAMPION) is None
    assert releases.at(CHALLENGER).version == waiting.version
    releases.promote(waiting.version, "a person")
    assert releases.champion().version == waiting.version
    assert releases.at(CHALLENGER) is None


def test_rollback_goes_back_and_forth_and_history_only_grows(project, tmp_path):
    first = released(project, tmp_path)
    second = released(project, tmp_path, night="n2", index_version="i2")
    releases = Releases(project)
    assert releases.at(PREVIOUS).version == first.version
    assert releases.rollback(None).manifest.index_version == "i1"
    assert releases.at(PREVIOUS).version == second.version
    releases.rollback(second.version)
    assert [(event["from"], event["to"]) for event in releases.history()] == [(None, 1), (1, 2), (2, 1), (1, 2)]


def test_an_alias_moved_by_hand_is_what_is_live(project, tmp_path):
    first = released(project, tmp_path)
    released(project, tmp_path, night="n2")
    releases = Releases(project)
    releases.client.set_registered_model_alias(project.name, "champion", str(first.version))
    assert Releases(project).champion().version == first.version
    assert Releases(project).rollback(None).version == 2


def test_rollback_without_a_former_champion_says_what_to_name(project, tmp_path):
    released(project, tmp_path)
    with pytest.raises(NocturneError, match="no former champion"):
        Releases(project).rollback(None)
    with pytest.raises(UsageError, match="has no release 9; it has 1"):
        Releases(project).rollback(9)


def test_a_rejected_candidate_is_kept_but_is_no_release(project, tmp_path):
    releases = Releases(project)
    assert releases.decided("n1") is None
    recorded(project, tmp_path, passed=False)
    assert releases.every() == []
    assert releases.decided("n1") is False
    assert releases.gates_of("n1") == MANIFEST["gates"]


@pytest.mark.parametrize("killed_after", ["record", "create", "challenger"])
def test_a_release_that_was_interrupted_is_taken_up_and_not_made_twice(project, tmp_path, killed_after):
    about, run = recorded(project, tmp_path)
    releases = Releases(project)
    if killed_after != "record":
        releases.client.create_registered_model(project.name)
        number = releases._create(about, run)
        if killed_after == "challenger":
            releases.client.set_registered_model_alias(project.name, CHALLENGER, str(number))
    assert releases.decided("n1") is True
    assert not releases.carried_out("n1", auto=True)
    assert releases.register(about, run, True, "the next night").aliases == (CHAMPION,)
    assert len(releases.every()) == 1
    assert releases.carried_out("n1", auto=True)


def test_a_release_that_a_person_rolled_back_is_not_promoted_again(project, tmp_path):
    released(project, tmp_path)
    released(project, tmp_path, night="n2")
    releases = Releases(project)
    releases.rollback(None)
    assert releases.carried_out("n2", auto=True)


def test_a_version_that_no_night_made_is_named(project, tmp_path):
    made = released(project, tmp_path)
    releases = Releases(project)
    run = releases.client.get_model_version(project.name, str(made.version)).run_id
    source = releases.client.get_run(run).info.artifact_uri + "/adapter"
    strange = releases.client.create_model_version(project.name, source, run_id=run)
    releases.client.set_registered_model_alias(project.name, CHAMPION, strange.version)
    with pytest.raises(NocturneError, match="lacks the tag") as error:
        releases.champion()
    assert "nocturne promote" in error.value.next_step
    assert [release.version for release in releases.every()] == [made.version]


def test_an_interrupted_training_goes_on_in_its_own_run(project):
    run = LiveRun(project, "training t", "t", {"rank": 16}).__enter__()
    run.metrics({"loss": 3.0}, 5)
    run.__exit__(RuntimeError, RuntimeError(), None)
    with LiveRun(project, "training t", "t", {"rank": 16}) as again:
        again.metrics({"loss": 2.0}, 10)
    assert again.id == run.id
    found = find_training(again.client, experiment_of(again.client, project), "t")
    assert found.info.status == "FINISHED"
    assert [m.value for m in again.client.get_metric_history(run.id, "loss")] == [3.0, 2.0]
