"""A dataset that breaks its contract names the file, the line, the example and the rule."""

import pytest
from dataset_rows import example, named, pair, read_files, rows, shipped_params

from pipelines.errors import NocturneError
from pipelines.validation.contract import COLUMNS, check
from pipelines.validation.preferences import PAIR_COLUMNS, check_pairs
from pipelines.validation.provenance import SPAN, sources

PLACES = sources(read_files(*rows()[:2]), [])


def complaint(train, holdout=None):
    with pytest.raises(NocturneError) as caught:
        check(train, rows()[1] if holdout is None else holdout, shipped_params().dataset, "data/demo/dataset", PLACES)
    assert "Delete data/demo/dataset" in caught.value.next_step
    return caught.value.fact


def test_a_whole_dataset_passes():
    train, holdout, _ = rows()
    check(train, holdout, shipped_params().dataset, "data/demo/dataset", PLACES)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("example_id", "not hex", "hexadecimal"),
        ("task", "poetry", "must be one of explain, implement, fim, fim_block"),
        ("mode", "fim", "must be one of chat, psm, spm"),
        ("path", "../outside.py", "inside the repository"),
        ("path", "/etc/passwd", "inside the repository"),
        ("start_line", 0, "at least 1"),
        ("start_line", "12", "whole number"),
        ("start_line", True, "whole number"),
        ("end_line", 2, "end_line must not be before start_line"),
        ("end_byte", 3, "end_byte must not be before start_byte"),
        ("commit", None, "hexadecimal"),
        ("commit", "HEAD", "hexadecimal"),
        ("prompt", "", "not blank"),
        ("completion", " \n", "not blank"),
        ("completion", ["return 1"], "not blank"),
        ("tokens", 1.5, "whole number"),
        ("quality", 1.01, "quality must be a number from 0 to 1, but is 1.01"),
        ("quality", "0.5", "number from 0 to 1"),
        ("quality", True, "number from 0 to 1"),
        ("quality_parts", {"length": -0.1}, "each a number from 0 to 1"),
        ("quality_parts", {}, "must be parts by name"),
        ("quality_parts", [0.5], "must be parts by name"),
    ],
)
def test_a_broken_value_is_named_with_its_place(column, value, rule):
    train = rows()[0]
    train[6] = {**train[6], "task": "fim", "mode": "psm", "request": "", column: value}
    fact = complaint(train)
    assert "train.jsonl line 7 (example " in fact
    assert rule in fact
    assert column in fact


@pytest.mark.parametrize("commit", ["c" * 40 + "-dirty", "uncommitted"])
def test_a_file_that_is_in_no_commit_yet_has_provenance_too(commit):
    train, holdout, _ = rows()
    check([{**row, "commit": commit} for row in train], holdout, shipped_params().dataset, "data/demo/dataset", PLACES)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_value_is_a_broken_rule(column):
    train = rows()[0]
    del train[3][column]
    fact = complaint(train)
    assert "train.jsonl line 4 (example " in fact
    assert f"{column} must be" in fact


def test_a_holdout_row_is_named_by_its_own_line():
    holdout = rows()[1]
    holdout[1] = {**holdout[1], "language": ""}
    assert "holdout.jsonl line 2" in complaint(rows()[0], holdout)


def test_an_example_id_stands_once_in_both_files():
    holdout = rows()[1]
    holdout[2] = {**holdout[2], "example_id": rows()[0][5]["example_id"]}
    assert f"holdout.jsonl line 3 (example {holdout[2]['example_id']}): example_id must be unique" in complaint(
        rows()[0], holdout
    )


def test_a_file_on_both_sides_of_the_split_is_refused():
    holdout = [*rows()[1], example(77, "train/2.py")]
    said = f"holdout.jsonl line 9 (example {holdout[8]['example_id']}): path is in train.jsonl too"
    assert said in complaint(rows()[0], holdout)


def test_an_exact_repeat_is_refused():
    train = rows()[0]
    train.append({**train[0], "example_id": "f" * 16})
    assert "train.jsonl line 33" in complaint(train)
    assert "prompt and completion are those of an earlier row" in complaint(train)


def test_mode_and_request_must_fit():
    train = rows()[0]
    train[0] = named({**train[0], "mode": "psm", "request": ""})
    train[2] = {**train[2], "request": "complete this"}
    fact = complaint(train)
    assert f"line 1 (example {train[0]['example_id']}): mode must fit the task" in fact
    assert f"line 3 (example {train[2]['example_id']}): request must hold" in fact


def test_the_first_three_faults_are_named_and_the_rest_are_counted():
    train = [{**row, "license": 7} for row in rows()[0]]
    fact = complaint(train)
    assert "in 32 of 40 rows" in fact
    assert fact.count("train.jsonl line") == 3
    assert "train.jsonl line 1 " in fact
    assert "and 29 more" in fact


def test_a_message_never_repeats_the_code():
    train = rows()[0]
    train[0] = {**train[0], "completion": {"token": "s3cret-value"}}
    assert "s3cret-value" not in complaint(train)


def test_more_columns_are_welcome():
    train, holdout, _ = rows()
    check([{**row, "reviewed": "yes"} for row in train], holdout, shipped_params().dataset, "data/demo/dataset", PLACES)


@pytest.mark.parametrize("column", ["completion", "prompt", "start_byte"])
def test_a_row_edited_by_hand_is_named(column):
    train = rows()[0]
    train[6][column] = train[6][column] + (1 if column == "start_byte" else " and more")
    fact = complaint(train)
    assert "train.jsonl line 7 (example " in fact
    assert "it was changed after the dataset stage wrote it" in fact


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"path": "train/9.py"}, "must be those of a file of extraction/files.jsonl"),
        ({"blob": "a" * 40}, "must be those of a file of extraction/files.jsonl"),
        ({"end_byte": 5000}, "must lie in that file"),
        ({"end_line": 9000}, "on the lines from start_line to end_line"),
        ({"start_line": 9, "end_line": 10}, "on the lines from start_line to end_line"),
        ({"start_line": 6, "end_line": 7}, "on the lines from start_line to end_line"),
    ],
)
def test_a_row_is_from_a_file_that_was_read_and_from_lines_that_it_has(changes, rule):
    train = rows()[0]
    train[6] = named({**train[6], **changes})
    fact = complaint(train)
    assert "train.jsonl line 7 (example " in fact
    assert rule in fact


def test_an_edit_is_from_a_change_that_was_read():
    train, holdout, _ = rows()
    edit = example(4, "train/0.py", blob="e" * 40)
    changed = {"path": edit["path"], "after_blob": edit["blob"], **{name: edit[name] for name in SPAN}}
    files = read_files(train, holdout)
    train[4] = edit
    check(train, holdout, shipped_params().dataset, "data/demo/dataset", sources(files, [changed]))
    moved = sources(files, [{**changed, "end_line": edit["end_line"] + 1}])
    with pytest.raises(NocturneError, match="must lie in that file"):
        check(train, holdout, shipped_params().dataset, "data/demo/dataset", moved)


def pairs():
    return [pair(number, f"train/{number % 4}.py") for number in range(8)]


def complaint_of_pairs(preferences):
    with pytest.raises(NocturneError) as caught:
        check_pairs(preferences, rows()[1], shipped_params().dataset, "data/demo/dataset", PLACES)
    return caught.value.fact


def test_whole_preferences_pass_and_so_do_none():
    check_pairs(pairs(), rows()[1], shipped_params().dataset, "data/demo/dataset", PLACES)
    check_pairs([], rows()[1], shipped_params().dataset, "data/demo/dataset", PLACES)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"rejected": "return 2 + 1 "}, "chosen and rejected must differ"),
        ({"chosen": " "}, "chosen must be text that is not blank"),
        ({"rejected": None}, "rejected must be text that is not blank"),
        ({"path": "held/0.py"}, "path is in holdout.jsonl"),
        ({"task": "commit_edits"}, "task must be one of preference_pairs"),
        ({"end_line": 1}, "end_line must not be before start_line"),
        ({"example_id": pairs()[1]["example_id"]}, "example_id must be unique"),
        ({key: pairs()[1][key] for key in ("prompt", "chosen", "rejected")}, "those of an earlier row"),
    ],
)
def test_a_broken_pair_is_named_with_its_place(changes, rule):
    preferences = pairs()
    preferences[2] = {**preferences[2], **changes}
    fact = complaint_of_pairs(preferences)
    assert "preferences.jsonl line 3 (example " in fact
    assert rule in fact


@pytest.mark.parametrize("column", PAIR_COLUMNS)
def test_a_value_missing_from_a_pair_is_a_broken_rule(column):
    preferences = pairs()
    del preferences[5][column]
    assert column in complaint_of_pairs(preferences)
