"""Edits are learned from, reverted ones only as what not to do; and no held-out function comes in by the history."""

import pytest
from test_dataset import CODE, file, params_with_model, project_with, symbol

from pipelines.dataset.stage import run
from pipelines.records import read_json, read_jsonl

NAMES = [f"m{n}.py" for n in range(12)]
BODY = "    total = x + x\n    return total  # twice the number that was given, whatever sign it has\n"
BEFORE = "def double(x):\n    return x + x\n"


def edit(path, number=0, **changes):
    after = f"def double(x):\n    y = {number}\n{BODY}"
    return {
        "path": path, "path_then": path, "language": "python", "kind": "function", "qualified_name": "double",
        "commit": f"{number:040x}", "parent": "b" * 40, "committed": "2024-01-01T00:00:00Z",
        "message": "Name the total", "before": BEFORE, "after": after, "signature": "def double(x):",
        "doc": "Twice the number.", "body": f"    y = {number}\n{BODY}", "after_blob": "a" * 40,
        "start_line": 1, "end_line": 4, "start_byte": 0, "end_byte": len(after), "license": "unknown", "fate": "",
        "fate_commit": "", "days": None, "replaced_by": None, **changes,
    }  # fmt: skip


def undone(path, number=0, **changes):
    old = {"signature": "def double(x):", "doc": "Twice the number.", "body": "    return x + x\n", "code": BEFORE}
    replaced = {"replaced_by": {**old, **changes}}
    return edit(path, number, fate="reverted", fate_commit="d" * 40, days=1.0, **replaced)


@pytest.fixture
def made(tmp_path):
    """The dataset of twelve files with these edits: its files by name, and the summary of its recipes."""

    def make(*edits, symbols=()):
        files = [file(name, CODE.replace("double", name[:-3]) * 4) for name in NAMES]
        project = project_with(tmp_path, files, symbols, edits)
        run(project, params_with_model())
        folder = project.path("dataset")
        names = ("train", "holdout", "quarantine", "preferences")
        rows = {name: list(read_jsonl(folder / f"{name}.jsonl")) for name in names}
        return rows, read_json(folder / "summary.json")["recipes"]

    return make


@pytest.fixture
def held_out(made):
    return {example["path"] for example in made()[0]["holdout"]}


def of(rows, task="commit_edits"):
    return [row for row in rows if row["task"] == task]


def test_an_edit_asks_with_the_code_before_and_the_message(made, held_out):
    path = min(set(NAMES) - held_out)
    rows, told = made(edit(path))
    (example,) = of(rows["train"])
    assert (example["mode"], example["commit"], example["blob"]) == ("chat", "0" * 40, "a" * 40)
    assert BEFORE in example["prompt"]
    assert "Name the total" in example["request"]
    assert example["completion"] == edit(path)["after"]
    assert (example["license"], told["commit_edits"]["train"]) == ("MIT", 1)


def test_an_edit_of_a_held_out_file_is_held_out_and_one_of_a_lost_file_stays_on_its_side(made, held_out):
    lost = [f"gone{n}.py" for n in range(40)]
    edits = [edit(path, number) for number, path in enumerate([*NAMES, *lost])]
    rows = made(*edits)[0]
    trained, kept = ({example["path"] for example in of(rows[name])} for name in ("train", "holdout"))
    assert kept & set(NAMES) == held_out
    assert not trained & kept
    assert kept & set(lost)
    assert trained & set(lost)


def test_a_held_out_function_is_not_trained_on_in_another_files_history(made, held_out):
    secret, trained = min(held_out), min(set(NAMES) - held_out)
    rows = made(edit(trained, body=BODY, after="def double(x):\n" + BODY), symbols=[symbol(secret, body=BODY)])[0]
    assert of(rows["train"]) == []
    (row,) = of(rows["quarantine"])
    assert (row["rule"], secret in row["reason"]) == ("held_out", True)


def test_what_was_taken_back_is_rejected_and_never_imitated(made, held_out):
    path = min(set(NAMES) - held_out)
    rows, told = made(undone(path), edit(path, 1, fate="fixed", fate_commit="e" * 40, days=0.5))
    assert of(rows["train"]) == []
    (pair,) = rows["preferences"]
    assert (pair["chosen"], pair["rejected"]) == ("    return x + x\n", undone(path)["body"])
    assert "def double(x):" in pair["prompt"]
    wanted = "example_id task language path start_line end_line commit blob license source prompt chosen rejected"
    assert set(wanted.split()) <= set(pair)
    assert told["preference_pairs"]["train"] == 1


def test_pairs_of_held_out_files_are_left_out_and_odd_ones_quarantined(made, held_out):
    path = min(set(NAMES) - held_out)
    same = undone(path, 1)["body"]
    rows, told = made(
        undone(min(held_out), 9),
        undone(path, 1, body=same.replace("\n", " \n")),
        undone(path, 2, body="    x = 1\n" * 2000),
        undone(path, 3),
        undone(path, 3),
    )
    assert len(rows["preferences"]) == 1
    assert sorted(row["rule"] for row in of(rows["quarantine"], "preference_pairs")) == [
        "duplicate",
        "equal",
        "too_long",
    ]
    assert told["preference_pairs"]["quarantined"] == 3


def test_without_history_the_summary_says_what_is_missing(made):
    told = made()[1]
    assert "commits that changed functions" in told["commit_edits"]["none_because"]
    assert "reverted" in told["preference_pairs"]["none_because"]
