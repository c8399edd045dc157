"""The stage on real pandera and Great Expectations: what it says, what it writes, and that it writes it again."""

import os
import subprocess
import sys

import pytest
from dataset_rows import ROOT, example, named, rows, shipped_params, write

from pipelines.errors import NocturneError
from pipelines.records import read_json, tree_sha256
from pipelines.validation.stage import run


def pages_of(project):
    """The card and the data docs."""
    return sorted(project.path("validation").rglob("*.html"))


def test_importing_the_stage_is_light():
    code = "import sys, pipelines.validation.stage, pipelines.evaluation.stage, pipelines.gates;"
    code += "sys.exit(' '.join({'pandas', 'pandera', 'great_expectations', 'numpy', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).stderr == b"\n"


def test_another_process_writes_the_same_bytes_and_prints_nothing(tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/validation/dataset_rows.py"), str(there)],
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert done.stdout + done.stderr == b""
    here = write(tmp_path / "here", *rows())
    run(here, shipped_params())
    assert tree_sha256(there / "data") == tree_sha256(tmp_path / "here" / "data")
    assert {path.name for path in tmp_path.iterdir()} == {"here", "there"}
    assert {path.name for path in there.iterdir()} == {"data"}


def test_a_good_dataset_passes_with_facts_and_readable_docs(tmp_path):
    project = write(tmp_path, *rows())
    facts = run(project, shipped_params())
    rows_of = {"examples": 40, "holdout": 8, "quarantined": 1, "preferences": 0}
    assert facts == {**rows_of, "expectations": 19, "failed": 0, "warnings": 0, "drift": "no earlier dataset"}
    verdict = read_json(project.path("validation", "validation.json"))
    assert verdict["contract"] == {"rules": 55, "rows": 40, "broken": 0}
    assert [result["met"] for result in verdict["expectations"]] == [True] * 19
    docs = project.path("validation", "data_docs")
    index = (docs / "index.html").read_text()
    assert "meets its contract and all 19 expectations" in index
    pages = sorted(docs.rglob("*.html"))
    assert len(pages) == 5
    for page in pages[1:]:
        assert page.name == "index.html" or page.relative_to(docs).as_posix() in index


def test_the_docs_load_nothing_from_anywhere(tmp_path):
    project = write(tmp_path, *rows())
    run(project, shipped_params())
    pages = pages_of(project)
    assert len(pages) == 6
    for page in pages:
        text = page.read_text()
        assert "http" not in text, page
        assert "<script" not in text, page
        assert str(tmp_path) not in text, page


def test_odd_data_is_a_warning_and_passes(tmp_path):
    train, holdout, _ = rows()
    train = [named({**row, "task": "fim", "mode": "psm", "request": ""}) for row in train]
    holdout = [named({**row, "task": "fim", "mode": "psm", "request": "", "language": "go"}) for row in holdout]
    quarantined = [{"task": "explain", "rule": "too_long", "reason": "-"}] * 200
    project = write(tmp_path, train, holdout, quarantined)
    facts = run(project, shipped_params())
    results = read_json(project.path("validation", "validation.json"))["expectations"]
    unmet = {result["expectation"]: result["observed"] for result in results if not result["met"]}
    assert facts["warnings"] == len(unmet) == 11
    assert unmet["Held-out examples in a language that is not trained on: at most 0.0%"] == "20.0%"
    assert unmet["Drafts that were quarantined: at most 60.0%"] == "83.3%"
    pages = pages_of(project)
    assert pages
    assert "unexpected Exception" not in "".join(page.read_text() for page in pages)


def test_an_unmet_expectation_that_fails_the_night_leaves_its_docs(tmp_path):
    train, holdout, quarantined = rows()
    project = write(tmp_path, [*train, example(99, "train/1.py", tokens=5000)], holdout, quarantined)
    with pytest.raises(NocturneError, match=r"No example has more than 768 tokens .*found 5000") as caught:
        run(project, shipped_params())
    assert "data/demo/validation/data_docs/index.html" in caught.value.next_step
    assert "nothing was trained" in project.path("validation", "data_docs", "index.html").read_text()


def test_a_contaminated_holdout_fails_the_night_with_its_rate(tmp_path):
    project = write(tmp_path, *rows(), rate=0.31)
    with pytest.raises(NocturneError, match=r"stand in training text: at most 20\.0% \(found 31\.0%\)"):
        run(project, shipped_params())
    assert run(write(tmp_path, *rows(), rate=0.01), shipped_params())["failed"] == 0


def test_a_summary_without_a_contamination_rate_is_refused(tmp_path):
    project = write(tmp_path, *rows())
    project.path("dataset", "summary.json").write_text("{}")
    with pytest.raises(NocturneError, match=r"summary\.json has no contamination rate"):
        run(project, shipped_params())


def test_a_summary_that_knows_no_recipes_is_refused(tmp_path):
    project = write(tmp_path, *rows())
    project.path("dataset", "summary.json").write_text('{"contamination": {"rate": 0.0}}')
    with pytest.raises(NocturneError, match=r"summary\.json does not say what its recipes made"):
        run(project, shipped_params())


def test_too_few_examples_say_how_many_and_what_was_left_out(tmp_path):
    train, holdout, quarantined = rows()
    project = write(tmp_path, train[:3], holdout, quarantined)
    with pytest.raises(
        NocturneError, match=r"train.jsonl has 3 examples; validation.min_examples asks for 20"
    ) as caught:
        run(project, shipped_params())
    assert "1 too_long" in caught.value.fact
    assert not project.path("validation").exists()


def test_a_truncated_file_is_named_with_its_line(tmp_path):
    project = write(tmp_path, *rows())
    file = project.path("dataset", "train.jsonl")
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(NocturneError, match=r"train.jsonl cannot be read: line 32"):
        run(project, shipped_params())


def test_a_broken_contract_removes_the_verdict_of_an_earlier_night(tmp_path):
    train, holdout, quarantined = rows()
    project = write(tmp_path, train, holdout, quarantined)
    run(project, shipped_params())
    write(tmp_path, [{**train[0], "tokens": -1}, *train[1:]], holdout, quarantined)
    with pytest.raises(NocturneError, match="tokens must be a whole number of at least 1, but is -1"):
        run(project, shipped_params())
    assert not project.path("validation", "validation.json").exists()
