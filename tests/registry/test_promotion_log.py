"""The promotion history follows the alias: whoever moved it, and wherever Nocturne was killed, it is told once."""

import json
import threading
from uuid import uuid4

import pytest
from conftest import ROOT
from registry.test_registry import recorded, released

from pipelines.errors import NocturneError, UsageError
from pipelines.project import Project
from pipelines.registry import promotion_log
from pipelines.registry.releases import CHALLENGER, CHAMPION, PREVIOUS, Releases


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture
def project(place):
    return Project(f"p{uuid4().hex}", ROOT, place)


@pytest.fixture
def two(project, tmp_path):
    """Release 2 is live, release 1 was."""
    released(project, tmp_path)
    released(project, tmp_path, night="n2")
    return Releases(project)


def moves(releases):
    return [(event["from"], event["to"], event["by"]) for event in releases.history()]


NIGHTS = [(None, 1, "test"), (1, 2, "test")]


def test_a_move_by_hand_is_noticed_once_and_undoes_like_any_other(project, two):
    two.client.set_registered_model_alias(project.name, CHAMPION, "1")
    for _ in range(3):
        Releases(project).notice()
    assert moves(two) == [*NIGHTS, (2, 1, "by hand")]
    assert two.history()[-1]["user"] == ""
    assert two.at(PREVIOUS).version == 2
    two.client.set_registered_model_alias(project.name, CHAMPION, "2")
    assert moves(two)[2:] == [(2, 1, "by hand"), (1, 2, "by hand")]
    two.promote(1, "promote")
    assert moves(two)[-1] == (2, 1, "promote")


def test_mlflows_page_hides_the_tags_of_the_history(project, two):
    tags = two.client.get_registered_model(project.name).tags
    assert len(two.history()) == 2
    assert tags
    assert all(key.startswith("mlflow.") for key in tags)


def test_two_readers_that_notice_the_same_move_write_it_once(project, two):
    two.client.set_registered_model_alias(project.name, CHAMPION, "1")
    readers = [Releases(project) for _ in range(6)]
    threads = [threading.Thread(target=reader.notice) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert moves(two) == [*NIGHTS, (2, 1, "by hand")]


def test_readers_on_machines_that_share_no_lock_give_the_event_the_same_key():
    tags = {promotion_log.EVENT + "20260101T000000000000": json.dumps({"from": None, "to": 1})}
    (one, _), (other, _) = promotion_log.find_missing(tags, 2), promotion_log.find_missing(tags, 2)
    assert one == other > max(tags)
    assert one < promotion_log.EVENT + "20260101T000000000001"
    tags[one] = json.dumps({"from": 1, "to": 2})
    assert promotion_log.find_missing(tags, 1)[0] > one


def test_a_challenger_that_is_made_live_by_hand_waits_no_longer(project, tmp_path):
    released(project, tmp_path, promote=False)
    releases = Releases(project)
    releases.client.set_registered_model_alias(project.name, CHAMPION, "1")
    assert moves(releases) == [(None, 1, "by hand")]
    assert releases.at(CHALLENGER) is None


def test_taking_the_alias_away_by_hand_is_a_move_too(project, two):
    two.client.delete_registered_model_alias(project.name, CHAMPION)
    assert moves(two)[-1] == (2, None, "by hand")
    assert two.rollback(None).version == 2
    assert moves(two)[-1] == (None, 2, "rollback")


@pytest.mark.parametrize("done", ["announced", "moved", "followed"])
def test_a_promotion_that_was_killed_is_told_as_what_it_was_or_not_at_all(project, two, done):
    tags = two._model().tags
    two.client.set_registered_model_tag(
        project.name, promotion_log.INTENT, promotion_log.make_announcement(tags, 1, "nightly")
    )
    if done != "announced":
        two.client.set_registered_model_alias(project.name, CHAMPION, "1")
    if done == "followed":
        two.client.set_registered_model_alias(project.name, PREVIOUS, "2")
    assert moves(two)[2:] == ([] if done == "announced" else [(2, 1, "nightly")])
    assert two.at(PREVIOUS).version == (1 if done == "announced" else 2)


def test_a_clock_that_was_set_back_does_not_reorder_the_history():
    later = promotion_log.EVENT + "29990101T000000000000"
    tags = {later: json.dumps({"from": None, "to": 1})}
    announced = json.loads(promotion_log.make_announcement(tags, 2, "promote"))
    assert announced["key"] > later
    assert promotion_log.find_missing({**tags, promotion_log.INTENT: json.dumps(announced)}, 2) == (
        announced["key"],
        announced["event"],
    )


def test_a_removed_release_is_still_told_of_and_no_longer_offered(project, two, tmp_path):
    released(project, tmp_path, night="n3")
    two.remove(1)
    assert [release.version for release in two.every()] == [3, 2]
    assert [(gone.version, gone.commit) for gone in two.removed()] == [(1, "c" * 40)]
    assert moves(two)[0] == (None, 1, "test")
    with pytest.raises(UsageError, match=r"Release 1 of .* was removed on 20.*; .* has 3, 2"):
        two.rollback(1)
    with pytest.raises(NocturneError, match="is champion and stays"):
        two.remove(3)


def test_gates_that_are_too_long_for_a_tag_lose_their_lists_and_nothing_else(project, tmp_path):
    gate = {"name": "base", "value": 0.1, "passed": True, "examples": ["x" * 100] * 100}
    _, run = recorded(project, tmp_path, gates=[gate] * 12)
    releases = Releases(project)
    assert releases.gates_of("n1") == [{"name": "base", "value": 0.1, "passed": True}] * 12
    assert all(len(value) <= 5000 for value in releases.client.get_run(run).data.tags.values())
