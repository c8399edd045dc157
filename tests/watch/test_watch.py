"""What is saved while `nocturne watch` runs is found by every search, and nothing else is."""

import gc
import json
import sqlite3
import stat
import threading
import time
from contextlib import closing
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from conftest import commit_all, git
from watched_project import FILES, PARAMS, SHOWN, WAIT_S

from pipelines.assistant.search import search
from pipelines.cleaning import kingfisher
from pipelines.encoder.encoder import Encoder
from pipelines.errors import NocturneError, UsageError
from pipelines.progress import show_progress
from pipelines.records import read_json
from pipelines.syntax import parser
from pipelines.watch.file_events import Change
from pipelines.watch.watch import Watch, read_state

pytest_plugins = ["watched_project"]


def test_what_the_system_does_not_tell_of_is_found_in_the_next_round(watched, monkeypatch):
    def mute(root, index, concerns, stop):
        while not stop.wait(0.02):
            yield Change(frozenset(), time.monotonic())

    monkeypatch.setattr("pipelines.watch.watch.watch_changes", mute)
    monkeypatch.setattr("pipelines.watch.working_tree.ROUND_S", 0.05)
    monkeypatch.setattr("pipelines.watch.working_tree.PATROL", 2)
    watched.start()
    watched.save("store/price.py", "def parse_amount(text):\n    return float(text)\n")
    watched.until("store/price.py")
    (watched.source / "docs/guide.md").unlink()
    watched.until("docs/guide.md")
    (watched.source / "store/new.py").write_text("def anew():\n    return 1\n")
    git(watched.source, "add", "store/new.py")
    watched.until("store/new.py")
    assert watched.true() == SHOWN - {"docs/guide.md"} | {"store/new.py"}
    time.sleep(0.3)
    assert watched.events.empty()


def test_a_saved_line_is_found_and_the_line_it_replaced_is_not(watched):
    assert watched.start().taken.changed == ()
    before = read_json(watched.project.watch / "state.json")
    watched.save("store/price.py", "def parse_amount(text):\n    return float(text)\n")
    event = watched.until("store/price.py")
    assert (event.release, event.taken.passages, event.taken.embedded) == (1, 1, 1)
    texts = {text for path, text in watched.found("parse_price") if path == "store/price.py"}
    assert texts == {"def parse_amount(text):\n    return float(text)"}
    assert watched.true() == SHOWN
    hit = search(watched.project, PARAMS, watched.release, "parse_amount", 1)[0]
    assert hit.commit.endswith("-dirty")
    assert read_state(watched.project)["pid"] == before["pid"]


def test_the_first_save_does_not_wait_for_anything_to_load(watched):
    loaded = (kingfisher._scanner, parser.query)
    (watched.source / "store/price.rb").write_text("def parse_price(text) = text.to_f\n")
    commit_all(watched.source, "ruby")
    watched.release = watched.published(2)
    for each in loaded:
        each.cache_clear()
    assert watched.start().taken.changed == ()
    before = [each.cache_info().misses for each in loaded]
    assert before[0] == 1
    for path in ("store/price.py", "store/price.rb"):
        watched.save(path, "def parse_amount(text): return float(text)\n")
        watched.until(path)
    assert [each.cache_info().misses for each in loaded] == before


def test_what_a_watch_embeds_is_kept_for_the_night(watched):
    def kept():
        with closing(sqlite3.connect(watched.project.cache / "embedding" / "vectors.sqlite")) as database:
            return database.execute("SELECT count(*) FROM vectors").fetchone()[0]

    watched.start()
    before = kept()
    watched.save("store/price.py", "def parse_amount(text):\n    return float(text)\n")
    assert watched.until("store/price.py").taken.embedded == 1
    watched.stop.set()
    watched.thread.join(WAIT_S)
    assert kept() == before + 1


def test_what_a_watch_finds_is_reranked_too(watched, monkeypatch):
    class Backwards:
        def logits(self, question, texts):
            return [float(place) for place, _ in enumerate(texts)]

    monkeypatch.setattr("pipelines.assistant.search.load_reranker", lambda name: Backwards())
    watched.start()
    watched.save("store/price.py", "def parse_amount(text):\n    return float(text)\n")
    watched.until("store/price.py")
    judged = PARAMS.model_copy(update={"search": PARAMS.search.model_copy(update={"rerank": "backwards"})})
    before = search(watched.project, PARAMS, watched.release, "parse_amount", 10)
    after = search(watched.project, judged, watched.release, "parse_amount", 10)
    assert [hit.text for hit in after] == [hit.text for hit in reversed(before)]
    assert after[-1].text == "def parse_amount(text):\n    return float(text)"
    assert search(watched.project, judged, watched.release, "parse_amount", 1) == after[:1]


def test_what_changed_before_the_watch_began_is_taken_first(watched):
    (watched.source / "store/price.py").unlink()
    (watched.source / "store/retry.py").write_text("def give_up():\n    return None\n")
    event = watched.start()
    assert (event.taken.changed, event.taken.gone) == (("store/retry.py",), ("store/price.py",))
    assert watched.true() == SHOWN - {"store/price.py"}


def test_a_rename_embeds_nothing_and_an_untracked_file_waits_for_git_add(watched):
    watched.start()
    (watched.source / "new.py").write_text("def count_sheep():\n    return 7\n")
    git(watched.source, "mv", "store/price.py", "store/amount.py")
    event = watched.until("store/amount.py")
    assert (event.taken.gone, event.taken.embedded) == (("store/price.py",), 0)
    assert "new.py" not in watched.true()
    git(watched.source, "add", "new.py")
    watched.until("new.py")
    assert "new.py" in watched.true()


def test_an_editor_that_writes_aside_and_a_folder_that_moves_are_seen(watched):
    watched.start()
    aside = watched.source / "store/.price.py.swp"
    aside.write_text("def parse_cost(text):\n    return text\n")
    aside.replace(watched.source / "store/price.py")
    watched.until("store/price.py")
    assert "parse_cost" in str(watched.found("parse_cost"))
    (watched.source / "store").rename(watched.source / "shop")
    assert watched.until("store/price.py").taken.gone == ("store/price.py", "store/retry.py")
    assert watched.true() == {"docs/guide.md", "deploy/prod.yaml"}
    (watched.source / "shop").rename(watched.source / "store")
    assert watched.until("store/price.py").taken.embedded == 0
    assert watched.true() == SHOWN


def test_a_branch_switch_of_many_files_shows_no_line_of_the_other_branch(watched):
    git(watched.source, "checkout", "-q", "-b", "other")
    many = {f"many/part{number}.py": f"def part_{number}():\n    return {number}\n" for number in range(150)}
    for path, text in many.items():
        (watched.source / path).parent.mkdir(exist_ok=True)
        (watched.source / path).write_text(text)
    (watched.source / "store/price.py").write_text("def other_branch():\n    return 1\n")
    commit_all(watched.source, "other")
    git(watched.source, "checkout", "-q", "-")
    watched.start()
    git(watched.source, "checkout", "-q", "other")
    watched.until("many/part149.py")
    assert len(watched.true()) == 100 or set(many) <= watched.true()
    git(watched.source, "checkout", "-q", "-")
    watched.until("many/part149.py")
    assert watched.true() == SHOWN


def test_how_far_a_branch_switch_of_many_files_is_can_be_seen(watched):
    steps, run = [], Watch.run
    git(watched.source, "checkout", "-q", "-b", "other")
    for number in range(150):
        (watched.source / f"part{number}.py").write_text(f"def part_{number}():\n    return {number}\n")
    commit_all(watched.source, "other")

    def shown(self, stop):
        with show_progress(steps.append):
            run(self, stop)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Watch, "run", shown)
        watched.start()
    told = [(step.done, step.total, step.unit) for step in steps]
    # logo.png is looked at too: it has no passage that could have said which bytes are known
    assert told == [(done, 151, "files") for done in (0, 64, 128, 151)]


def test_it_follows_the_live_release_and_a_search_never_mixes_two(watched):
    watched.start()
    watched.save("store/price.py", "def parse_amount(text):\n    return float(text)\n")
    watched.until("store/price.py")
    first, watched.release = watched.release, watched.published(2)
    while (event := watched.next()).release != 2:
        pass
    assert event.taken.changed == ()
    assert watched.true() == SHOWN
    assert "parse_price" in str({h.text for h in search(watched.project, PARAMS, first, "parse_price", 9)})


def test_without_a_watch_the_release_answers(watched):
    watched.start()
    watched.save("store/price.py", "def parse_amount(text):\n    return float(text)\n")
    watched.until("store/price.py")
    watched.stop.set()
    watched.thread.join(WAIT_S)
    assert read_state(watched.project) is None
    assert "parse_price" in str(watched.found("parse_price"))
    assert not (watched.project.live / "copies" / "watch").exists()


def test_a_second_watch_is_refused(watched):
    watched.start()
    again = Watch(watched.project, lambda: PARAMS, lambda: watched.release, print)
    with pytest.raises(UsageError, match="watched already"):
        again.run(threading.Event())


def test_a_failure_is_told_and_made_good_without_a_person(watched, monkeypatch):
    watched.start()
    encode, broken = Encoder.encode, threading.Event()
    broken.set()

    def failing(self, texts, batch_size=32):
        if broken.is_set() and any("parse_amount" in text for text in texts):
            raise NocturneError("The encoder is away.", "Wait.")
        return encode(self, texts, batch_size)

    monkeypatch.setattr(Encoder, "encode", failing)
    watched.save("store/price.py", "def parse_amount(text):\n    return float(text)\n")
    assert "The encoder is away" in watched.events.get(timeout=WAIT_S).error
    broken.clear()
    while watched.events.get(timeout=WAIT_S).error:
        pass
    assert "parse_amount" in str(watched.found("parse_amount"))


@pytest.mark.parametrize(
    ("token", "path", "body", "status"),
    [
        ("wrong", "/search", b"{}", 401),
        (None, "/other", b"{}", 400),
        (None, "/search", b"not json", 400),
        (None, "/search", b'{"version": "v", "text": "x", "limit": "y"}', 400),
        (None, "/search", b'{"version": "v", "text": "x", "limit": 1}', 409),
    ],
)
def test_it_answers_only_who_has_the_token_and_asks_well(watched, token, path, body, status):
    watched.start()
    folder, state = watched.project.watch, read_json(watched.project.watch / "state.json")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    headers = {"Authorization": f"Bearer {token or state['token']}"}
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(f"http://127.0.0.1:{state['port']}{path}", body, headers), timeout=WAIT_S)
    assert refused.value.code == status
    assert "error" in json.loads(refused.value.read())


def test_searches_while_files_change_are_never_refused_and_never_mixed(watched):
    watched.start()
    texts = [f"def parse_{name}(text):\n    return {name}\n" for name in ("one", "two", "three")]
    wrong, asked, done = [], [0], threading.Event()

    def ask():
        while not done.is_set():
            hits = search(watched.project, PARAMS, watched.release, "parse text", 20)
            own = [hit.text + "\n" for hit in hits if hit.path == "store/price.py"]
            asked[0] += 1
            if len(own) != 1 or own[0] not in [*texts, FILES["store/price.py"]]:
                wrong.append(own)

    asker = threading.Thread(target=ask)
    asker.start()
    for text in texts * 3:
        (watched.source / "aside").write_text(text)
        (watched.source / "aside").replace(watched.source / "store/price.py")
        time.sleep(0.05)
    watched.until("store/price.py")
    done.set()
    asker.join(WAIT_S)
    assert wrong == []
    assert asked[0] > 0


def test_the_collector_does_not_look_through_what_a_watch_has_read(watched):
    gc.unfreeze()
    watched.start()
    assert gc.get_freeze_count() > len(gc.get_objects(generation=2))
    gc.unfreeze()


def test_a_saved_setting_is_found_by_its_kind(watched):
    watched.start()
    watched.save("deploy/prod.yaml", "lighthouse: northern\n")
    watched.until("deploy/prod.yaml")
    (hit,) = search(watched.project, PARAMS, watched.release, "lang:yaml lighthouse", 5)
    assert (hit.path, hit.start_line, hit.text) == ("deploy/prod.yaml", 1, "lighthouse: northern")
