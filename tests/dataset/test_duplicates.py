"""Near-duplicates: found as brute force finds them, gone within a side and across the split, and measured besides."""

import os
import random
import subprocess
import sys
from itertools import combinations

import pytest
from conftest import NANO_CODER, ROOT, own_code

from pipelines.config.load import load_params
from pipelines.dataset.contamination import measure_contamination
from pipelines.dataset.duplicates import ACROSS, MIN_TOKENS, WITHIN, find_repeats
from pipelines.dataset.minhash import find_clusters, find_pairs
from pipelines.dataset.shingles import jaccard, shingle, token_runs, tokenize
from pipelines.dataset.split import split_files
from pipelines.dataset.stage import run
from pipelines.errors import UsageError
from pipelines.project import Project
from pipelines.records import read_json, read_jsonl, write_json, write_jsonl
from pipelines.source.cutoff import NONE
from pipelines.syntax.languages import language_of
from pipelines.syntax.spans import find_spans

PARAMS = load_params(ROOT)
THRESHOLD = PARAMS.dataset.near_duplicate
BODY = "    total = 0\n    for number in numbers:\n        total += number * factor\n    return total - offset\n"


def draft(completion, path="a.py", task="implement", mode="chat", question="How much is it?", line=1):
    return {
        "completion": completion, "path": path, "task": task, "mode": mode, "start_line": line,
        "content": [question, completion],
    }  # fmt: skip


def edited(text, every, seed):
    """The text with one in `every` words changed."""
    chance = random.Random(seed)
    return " ".join("changed" if chance.random() < 1 / every else token for token in tokenize(text))


def file(path, text):
    found = [[span.start_byte, span.end_byte, span.type] for span in find_spans(text.encode(), language_of(path))]
    return {
        "path": path, "language": "python", "blob": path.encode().hex().ljust(40, "0"), "commit": "c" * 40,
        "license": "", "text": text, "spans": found,
    }  # fmt: skip


def params(**dataset):
    training = PARAMS.training.model_copy(update={"base_model": str(NANO_CODER)})
    recipes = PARAMS.dataset.recipes.model_copy(update={"retrieval": 0.0})
    changed = PARAMS.dataset.model_copy(update={"fim_per_kb": 6.0, "recipes": recipes, **dataset})
    return PARAMS.model_copy(update={"training": training, "dataset": changed})


def made(folder, files, values):
    """Train, holdout and quarantine of some files."""
    project = Project("demo", folder, folder)
    write_json(project.path("snapshot", "base.json"), {"base_model": "x", "identity": "y"})
    write_json(project.path("snapshot", "recent.json"), NONE)
    write_jsonl(project.path("extraction", "files.jsonl"), files)
    write_jsonl(project.path("extraction", "symbols.jsonl"), [])
    write_jsonl(project.path("history", "edits.jsonl"), [])
    run(project, values)
    return [list(read_jsonl(project.path("dataset", f"{name}.jsonl"))) for name in ("train", "holdout", "quarantine")]


def leaks(train, holdout):
    """Training examples whose completion is a near-duplicate of a held-out one, by brute force."""
    long = lambda rows: [row["completion"] for row in rows if len(tokenize(row["completion"])) >= MIN_TOKENS]  # noqa: E731
    held = [shingle(text) for text in long(holdout)]
    return [text for text in long(train) if any(jaccard(shingle(text), other) >= THRESHOLD for other in held)]


def test_pairs_are_those_that_brute_force_finds():
    blocks = [text[at : at + 600] for text in own_code("pipelines/source").values() for at in range(0, len(text), 600)]
    texts = [edited(block, every, seed) for seed, block in enumerate(blocks) for every in (8, 15, 25, 40, 80)]
    sets = [shingle(text) for text in texts]
    alike = {(a, b) for a, b in combinations(range(len(sets)), 2) if jaccard(sets[a], sets[b]) >= THRESHOLD}
    found = set(find_pairs(sets, THRESHOLD))
    assert len(alike) > 40
    assert found <= alike
    assert len(found) >= 0.99 * len(alike)


def test_white_space_and_line_breaks_do_not_count():
    assert (shingle("if x:\n    return f(a, b)") == shingle("if x : return f( a,\tb )")).all()
    assert jaccard(shingle("return f(a, b)"), shingle("return f(a, c)")) < 1


def test_pairs_do_not_depend_on_the_process():
    code = "from pipelines.dataset.shingles import *; from pipelines.dataset.minhash import *; "
    code += "t = ['the same words of one text again and again', 'the same words of one text again and again now']; "
    code += "print(list(find_pairs([shingle(x) for x in t], 0.5)), shingle(*t).tolist())"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert said.pop().startswith("[(0, 1)]")


def test_a_cluster_is_whatever_is_linked_over_any_number_of_links():
    assert find_clusters(6, [(1, 4), (4, 5), (0, 3)]) == [0, 1, 2, 0, 1, 1]


def test_a_near_duplicate_goes_and_names_the_first_of_its_side_and_task():
    other = BODY.replace("offset", "start")
    drafts = [draft(BODY), draft(other, "b.py"), draft(other, "c.py", task="explain")]
    assert find_repeats(drafts, [False] * 3, THRESHOLD) == {1: (WITHIN, 0)}
    assert find_repeats(drafts, [True] * 3, THRESHOLD) == {1: (WITHIN, 0)}


def test_the_same_answer_to_another_question_stays_in_training_and_leaves_it_for_the_holdout():
    questions = [" ".join(f"{word}{n}" for n in range(60)) for word in ("one", "two")]
    drafts = [draft(BODY, question=question) for question in questions]
    assert find_repeats(drafts, [False, False], THRESHOLD) == {}
    assert find_repeats(drafts, [True, False], THRESHOLD) == {1: (ACROSS, 0)}


def test_across_the_split_every_task_is_compared_with_every_task():
    drafts = [draft(BODY), draft(BODY.replace("offset", "start"), "b.py", task="fim", mode="psm")]
    assert find_repeats(drafts, [True, False], THRESHOLD) == {1: (ACROSS, 0)}


def test_what_is_linked_to_the_holdout_by_a_training_example_goes_too():
    words = lambda *changed: " ".join(f"new{n}" if n in changed else f"word{n}" for n in range(80))  # noqa: E731
    held, far, near = words(), words(10, 30, 50), words(10, 30)
    assert jaccard(shingle(held), shingle(far)) < THRESHOLD <= jaccard(shingle(near), shingle(far))
    drafts = [draft(held), draft(far), draft(near)]
    assert find_repeats(drafts, [True, False, False], THRESHOLD) == {1: (ACROSS, 0), 2: (ACROSS, 0)}


def test_short_completions_are_left_to_the_exact_rule():
    drafts = [draft("return self._value(1)"), draft("return self._value(1)", "b.py")]
    assert len(tokenize(drafts[0]["completion"])) < MIN_TOKENS
    assert find_repeats(drafts, [True, False], THRESHOLD) == {}


def test_two_holes_whose_windows_overlap_are_no_duplicates():
    holes = ["left = read(first, second) or None", "right = write(third, fourth) and done"]
    drafts = [{**draft(hole, mode="psm", task="fim"), "content": [BODY * 9, hole, BODY * 9]} for hole in holes]
    assert min(len(tokenize(hole)) for hole in holes) < MIN_TOKENS or find_repeats(drafts, [False] * 2, THRESHOLD) == {}
    long = [f"{hole}\n{hole.replace('=', '+=')}" for hole in holes]
    drafts = [{**one, "completion": text} for one, text in zip(drafts, long, strict=True)]
    assert find_repeats(drafts, [False] * 2, THRESHOLD) == {}


def test_zero_switches_near_duplicates_off():
    assert find_repeats([draft(BODY), draft(BODY)], [True, False], 0.0) == {}


def test_copied_files_lie_on_one_side_whatever_their_names():
    texts = own_code("pipelines/source", "pipelines/lm")
    files = [{"path": path, "text": text} for path, text in texts.items()]
    copies = [{"path": f"vendor/{n}.py", "text": f"# copied\n{one['text']}"} for n, one in enumerate(files)]
    weights = {one["path"]: 5 for one in files + copies}
    held = split_files(files + copies, weights, set(), NONE, PARAMS.dataset).files
    assert 0 < len(held) < len(weights)
    long = [pair for pair in zip(files, copies, strict=True) if len(tokenize(pair[0]["text"])) > 100]
    assert long
    for one, copy in long:
        assert (one["path"] in held) == (copy["path"] in held)


def test_a_list_holds_out_what_it_names_and_its_copies():
    files = [{"path": path, "text": text} for path, text in own_code("pipelines/source").items()]
    copy = {"path": "copy.py", "text": next(one["text"] for one in files if one["path"].endswith("git.py"))}
    values = PARAMS.dataset.model_copy(update={"split": "list", "holdout_files": ["git.py"]})
    weights = {one["path"]: 1 for one in [*files, copy]}
    assert split_files([*files, copy], weights, set(), NONE, values).files == {"pipelines/source/git.py", "copy.py"}


@pytest.mark.parametrize("pattern", ["nothing.py", "*", "!"])
def test_a_list_that_takes_nothing_or_everything_is_refused(pattern):
    values = PARAMS.dataset.model_copy(update={"split": "list", "holdout_files": [pattern]})
    with pytest.raises(UsageError, match=r"dataset\.holdout_files"):
        split_files([], {"a.py": 1, "b.py": 1}, set(), NONE, values)


def test_of_planted_near_duplicates_across_the_split_none_is_left(tmp_path):
    texts = own_code("pipelines/source", "pipelines/lm")
    held = made(tmp_path / "plain", [file(*item) for item in texts.items()], params())[1][0]["path"]
    planted = {f"planted/{n}.py": text.replace("self", "this") for n, text in enumerate([texts[held]] * 3)}
    trained = [path for path in texts if path != held][:3]
    for path, copy in zip(trained, planted.values(), strict=True):
        texts[path] = f"{texts[path]}\n{copy}\n{texts[path].upper()}"
    files = [file(*item) for item in texts.items()]
    unchecked = made(tmp_path / "off", files, params(near_duplicate=0.0))
    assert leaks(*unchecked[:2])
    train, holdout, quarantined = made(tmp_path / "on", files, params())
    assert leaks(train, holdout) == []
    assert {row["rule"] for row in quarantined} >= {ACROSS}


def test_a_split_by_rows_fails_the_check_that_a_split_by_files_passes(tmp_path):
    texts = own_code("pipelines/source", "pipelines/lm")
    train, holdout, _ = made(tmp_path, [file(*item) for item in texts.items()], params())
    told = read_json(tmp_path / "data" / "demo" / "dataset" / "summary.json")["contamination"]
    assert told == measure_contamination(train, holdout)
    assert told["measured"] > 10
    assert told["rate"] <= PARAMS.validation.max_contamination
    rows = train + holdout
    random.Random(0).shuffle(rows)
    by_rows = measure_contamination(rows[len(holdout) :], rows[: len(holdout)])
    assert by_rows["rate"] > 2 * PARAMS.validation.max_contamination
    assert by_rows["seen"] <= by_rows["measured"]


def test_contamination_is_a_share_of_the_completions_long_enough_to_measure():
    text = " ".join(f"word{n}" for n in range(40))
    row = lambda name, completion, prompt="": {"example_id": name, "prompt": prompt, "completion": completion}  # noqa: E731
    held = [row("seen", text), row("unseen", text[::-1]), row("short", "a b c")]
    told = measure_contamination([row("t", "x", f"before {text} after")], held)
    assert (told["rate"], told["measured"], told["seen"], told["examples"]) == (0.5, 2, 1, ["seen"])
    assert measure_contamination([], [])["rate"] == 0
    assert len(token_runs("a b c", 13)) == 0
