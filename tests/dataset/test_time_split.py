"""By time: what was committed after T is held out, by lines, and nothing that shows it is trained on."""

import pytest
from conftest import NANO_CODER, ROOT, commit_all, git, make_repository, own_code

from pipelines.config.load import load_params
from pipelines.config.schema import Dataset
from pipelines.dataset.stage import STAGE as DATASET
from pipelines.errors import NocturneError, UsageError
from pipelines.extraction.stage import STAGE as EXTRACTION
from pipelines.history.stage import STAGE as HISTORY
from pipelines.project import Project
from pipelines.records import read_json, read_jsonl
from pipelines.snapshot import cutoff as room
from pipelines.snapshot.stage import STAGE as SNAPSHOT
from pipelines.validation import provenance
from pipelines.validation.contract import check

PARAMS = load_params(ROOT)
LATE = '''

def newly(numbers, factor):
    """Return the numbers of the late commit, each with its own factor and no other."""
    grown = [number * factor + len(numbers) for number in numbers if number is not None]
    return sorted(grown, key=lambda number: (number % factor, -number))
'''
FIRST, SECOND = "2024-01-01T00:00:00+00:00", "2025-01-01T00:00:00+00:00"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository whose second commit, a year after the first, adds a function and a file."""
    monkeypatch.setenv("GIT_COMMITTER_DATE", FIRST)
    source = make_repository(tmp_path / "source", own_code("pipelines/source"))
    monkeypatch.setenv("GIT_COMMITTER_DATE", SECOND)
    history = source / "pipelines" / "source" / "history.py"
    history.write_text(history.read_text() + LATE)
    (source / "late.py").write_text(LATE.replace("newly", "lately").replace("sorted", "reversed"))
    commit_all(source)
    return Project("demo", source, tmp_path)


def by_time(after):
    training = PARAMS.training.model_copy(update={"base_model": str(NANO_CODER)})
    recipes = PARAMS.dataset.recipes.model_copy(update={"retrieval": 0.0})
    by_time = {"split": "time", "split_after": after, "fim_per_kb": 8.0, "recipes": recipes}
    dataset = PARAMS.dataset.model_copy(update=by_time)
    return PARAMS.model_copy(update={"training": training, "dataset": dataset})


def late_lines(project, after="2024-06-01"):
    SNAPSHOT.run(project, by_time(after))
    recent = read_json(project.path("snapshot", "recent.json"))
    return {path: file["lines"] for path, file in recent["files"].items() if file["lines"]}


def test_lines_after_a_date_and_after_a_commit_are_the_same(project):
    path = "pipelines/source/history.py"
    count = len((project.source / path).read_text().splitlines())
    wanted = {path: [[count - 5, count]], "late.py": [[1, 6]]}
    first = git(project.source, "rev-parse", "HEAD~1").strip()
    assert late_lines(project)[path][0][1] == count
    assert late_lines(project) == late_lines(project, first) == wanted


def test_uncommitted_lines_are_after_any_moment(project):
    file = project.source / "pipelines" / "source" / "safe_open.py"
    file.write_text("# edited\n" + file.read_text())
    (project.source / "staged.py").write_text("x = 1\n")
    git(project.source, "add", "staged.py")
    assert late_lines(project, "2030-01-01") == {"pipelines/source/safe_open.py": [[1, 1]], "staged.py": [[1, 2]]}


def test_an_unchanged_file_is_asked_about_once(project, monkeypatch):
    before = late_lines(project)
    monkeypatch.setattr(room, "blame", None)
    assert late_lines(project) == before


def test_nothing_is_asked_when_the_split_is_not_by_time(project, monkeypatch):
    monkeypatch.setattr(room, "commits_after", None)
    SNAPSHOT.run(project, PARAMS)
    assert read_json(project.path("snapshot", "recent.json")) == {"after": "", "commits": [], "files": {}}


def test_a_commit_that_does_not_exist_is_refused(project):
    with pytest.raises(UsageError, match="has no such commit"):
        late_lines(project, "1234567")


def test_nothing_that_a_repository_configures_is_executed_by_blame(project, tmp_path):
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    (project.source / ".gitattributes").write_text("*.py filter=evil diff=evil\n")
    git(project.source, "add", ".gitattributes")
    for key in ("filter.evil.clean", "filter.evil.smudge", "diff.evil.textconv", "diff.external"):
        git(project.source, "config", key, str(trap))
    git(project.source, "config", "blame.ignoreRevsFile", "nowhere")
    assert set(late_lines(project)) == {"pipelines/source/history.py", "late.py", ".gitattributes"}
    assert not (tmp_path / "sprung").exists()


def test_nothing_committed_after_the_moment_is_trained_on(project):
    params = by_time("2024-06-01")
    for stage in (SNAPSHOT, EXTRACTION, HISTORY, DATASET):
        stage.run(project, params)
    train, holdout, quarantined = (
        list(read_jsonl(project.path("dataset", f"{name}.jsonl"))) for name in ("train", "holdout", "quarantine")
    )
    assert {row["path"] for row in holdout} == {"pipelines/source/history.py", "late.py"}
    assert "pipelines/source/history.py" in {row["path"] for row in train}
    for line in LATE.strip().splitlines():
        assert not any(line.strip() in row["prompt"] + row["completion"] for row in train), line
    assert "later_context" in {row["rule"] for row in quarantined}
    told = read_json(project.path("dataset", "summary.json"))["contamination"]
    assert (told["seen"], told["measured"] > 0) == (0, True)
    recent = read_json(project.path("snapshot", "recent.json"))
    files, edits = (read_jsonl(project.path(name)) for name in ("extraction/files.jsonl", "history/edits.jsonl"))
    places = provenance.sources(files, edits)
    check(train, holdout, params.dataset, "data/demo/dataset", places, recent)
    late = next(row for row in holdout if row["path"] == "late.py")
    with pytest.raises(NocturneError, match=r"train\.jsonl line 1 .*: a line of it must be after dataset\.split_after"):
        check([late, *train], [row for row in holdout if row is not late], params.dataset, "here", places, recent)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"split": "time"}, "write an ISO date or a commit there"),
        ({"split": "list"}, "name the files to hold out there"),
        ({"split": "time", "split_after": "last week"}, "must be an ISO date"),
        ({"near_duplicate": 1.2}, "less than or equal to 1"),
    ],
)
def test_a_split_without_what_it_needs_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        Dataset.model_validate({**PARAMS.dataset.model_dump(), **changes})
