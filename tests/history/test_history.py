"""The history gives what commits changed, function by function, and says why it leaves the others out."""

import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, commit_all, git

from pipelines.config.load import load_params
from pipelines.dag.stage import Facts
from pipelines.history import messages
from pipelines.history import stage as history
from pipelines.project import Project
from pipelines.records import Record, read_jsonl
from pipelines.snapshot import stage as snapshot

CODE = '''def total(prices):
    """Add prices up."""
    return sum(prices)


def mean(prices):
    return total(prices) / len(prices)
'''
KEY = "AKIA" + "Q3EGRZT7WK4YVN2M"


@pytest.fixture
def source(repository) -> Path:
    return repository({"shop.py": CODE, "README.md": "# Shop\n"})


def change(source: Path, old: str, new: str, message: str, path: str = "shop.py") -> str:
    text = (source / path).read_text()
    assert old in text
    (source / path).write_text(text.replace(old, new))
    return commit_all(source, message)


def night(source: Path, **values: int) -> tuple[Facts, list[Record], list[Record]]:
    """Snapshot and history; `values` change params.history. Returns facts, edits and what was skipped."""
    params = load_params(ROOT)
    params = params.model_copy(update={"history": params.history.model_copy(update=values)})
    project = Project("demo", source, source.parent / "workspace")
    snapshot.STAGE.run(project, params)
    facts = history.STAGE.run(project, params)
    found = (list(read_jsonl(project.path("history", f"{name}.jsonl"))) for name in ("edits", "skipped"))
    return facts, *found


def rules(skipped: list[Record]) -> dict[str, str]:
    return {row["commit"]: row["rule"] for row in skipped}


def test_an_edit_is_one_function_before_and_after_at_its_place(source):
    parent = git(source, "rev-parse", "HEAD").strip()
    commit = change(source, "/ len(prices)", "/ max(1, len(prices))", "Let the mean of nothing be zero")
    facts, (edit,), _ = night(source)
    assert facts["edits"] == 1
    assert (edit["commit"], edit["parent"], edit["message"]) == (commit, parent, "Let the mean of nothing be zero")
    assert (edit["path"], edit["qualified_name"], edit["kind"]) == ("shop.py", "mean", "function")
    then = subprocess.check_output(["git", "cat-file", "blob", edit["after_blob"]], cwd=source)
    assert then[edit["start_byte"] : edit["end_byte"]].decode() == edit["after"]
    assert then.splitlines()[edit["start_line"] - 1] == b"def mean(prices):"
    assert "max(1" not in edit["before"]
    assert edit["before"].replace("/ len(prices)", "/ max(1, len(prices))") == edit["after"]
    assert edit["committed"].endswith("Z")
    assert (edit["fate"], edit["fate_commit"], edit["days"]) == ("", "", None)


def test_added_and_deleted_and_moved_functions_are_no_edits(source):
    new = "def least(prices):\n    return min(prices)\n\n\ndef mean(prices):"
    added = change(source, "def mean(prices):", new, "Tell the least price as well")
    deleted = change(source, "def least(prices):\n    return min(prices)\n\n\n", "", "Take the least price away again")
    _, edits, skipped = night(source)
    assert edits == []
    assert rules(skipped)[added] == rules(skipped)[deleted] == "no_function"


def test_each_rule_leaves_its_commits_out_by_name(source):
    wanted = {
        change(source, "sum(prices)", "sum(prices) + 0", "wip"): "message",
        change(source, "+ 0", "+ 1", "Update shop.py"): "message",
        change(source, "+ 1", "+ 2", "Bump version to 1.4.0"): "version_bump",
        change(
            source, "    return sum(prices) + 2", "    return   sum( prices ) + 2", "Space things out"
        ): "formatting",
    }
    (source / "shop.py").write_text((source / "shop.py").read_text().replace("+ 2", "+ 3"))
    git(source, "-c", "user.name=renovate[bot]", "commit", "-q", "-a", "-m", "Raise the number that is added")
    wanted[git(source, "rev-parse", "HEAD").strip()] = "bot"
    for number in range(4):
        (source / f"part{number}.py").write_text("x = 1\n")
    wanted[change(source, "+ 3", "+ 4", "Split the shop into its parts")] = "bulk"
    git(source, "checkout", "-q", "-b", "side", "HEAD~1")
    git(source, "commit", "-q", "--allow-empty", "-m", "Nothing here at all")
    git(source, "checkout", "-q", "main")
    git(source, "merge", "-q", "--no-ff", "-m", "Merge the side branch", "side")
    wanted[git(source, "rev-parse", "HEAD").strip()] = "merge"
    _, edits, skipped = night(source, max_files=4)
    assert edits == []
    assert wanted.items() <= rules(skipped).items()
    assert "renovate" not in str(skipped)


def test_a_commit_that_the_repository_says_to_overlook_is_formatting(source):
    commit = change(source, "sum(prices)", "(sum(prices))", "Put every expression in parentheses")
    (source / ".git-blame-ignore-revs").write_text(f"# style\n{commit}\n")
    commit_all(source, "Overlook the parentheses in blame")
    assert rules(night(source)[2])[commit] == "formatting"


def test_what_a_revert_takes_back_is_reverted_and_the_revert_is_no_edit(source):
    commit = change(source, "sum(prices)", "sum(map(round, prices))", "Round the prices before they are added")
    git(source, "revert", "--no-edit", commit)
    revert = git(source, "rev-parse", "HEAD").strip()
    facts, (edit,), skipped = night(source)
    assert (edit["commit"], edit["fate"], edit["fate_commit"]) == (commit, "reverted", revert)
    assert edit["replaced_by"]["code"] == edit["before"]
    assert facts["reverted"] == 1
    assert rules(skipped)[revert] == "revert"


def test_a_revert_that_was_taken_back_reverts_nothing(source):
    commit = change(source, "sum(prices)", "sum(map(round, prices))", "Round the prices before they are added")
    git(source, "revert", "--no-edit", commit)
    git(source, "revert", "--no-edit", "HEAD")
    assert [edit["fate"] for edit in night(source)[1] if edit["commit"] == commit] == [""]


def test_a_version_that_was_soon_fixed_is_fixed_and_an_old_one_is_not(source):
    commit = change(source, "sum(prices)", "sum(prices[1:])", "Leave the first price out of the sum")
    fix = change(source, "prices[1:]", "prices[:]", "Fix the sum that lost its first price")
    edits = {edit["commit"]: edit for edit in night(source)[1]}
    assert (edits[commit]["fate"], edits[commit]["fate_commit"]) == ("fixed", fix)
    assert edits[commit]["replaced_by"]["code"] == edits[fix]["after"]
    assert edits[fix]["fate"] == ""


def test_a_fix_elsewhere_in_the_function_condemns_nothing(source):
    commit = change(source, "return sum(prices)", "paid = prices\n    return sum(prices)", "Name what was paid")
    change(source, "return sum(prices)", "return float(sum(prices))", "Fix the type of the sum")
    assert [edit["fate"] for edit in night(source)[1] if edit["commit"] == commit] == [""]


def test_an_edit_of_a_renamed_file_has_its_name_of_today(source):
    change(source, "sum(prices)", "sum(prices, 0)", "Begin the sum at zero, always")
    git(source, "mv", "shop.py", "store.py")
    commit_all(source, "Call the shop a store from now on")
    (edit,) = night(source)[1]
    assert (edit["path"], edit["path_then"]) == ("store.py", "shop.py")


def test_no_secret_and_no_address_of_the_history_is_kept(source):
    change(source, "return sum(prices)", f'key = "{KEY}"\n    return sum(prices)', f"Add the key {KEY} for the bank")
    change(
        source,
        f'key = "{KEY}"\n    ',
        "",
        "Ask the bank without it, for eve@bank.com\n\nSigned-off-by: Eve <eve@bank.com>",
    )
    _, edits, _ = night(source)
    assert len(edits) == 2
    assert KEY not in str(edits)
    assert "eve@" not in str(edits).lower()
    cached = [path.read_text() for path in (source.parent / "workspace").rglob("*.json*")]
    assert cached
    assert not any(KEY in text for text in cached)


def test_a_second_night_reads_only_new_commits_and_gives_the_same(source):
    change(source, "sum(prices)", "sum(prices, 0)", "Begin the sum at zero, always")
    first = night(source)
    again = night(source)
    assert again[1:] == first[1:]
    assert (first[0]["parsed"], again[0]["parsed"], again[0]["reused"]) == (1, 0, 1)
    change(source, "sum(prices, 0)", "sum(prices, 0.0)", "Begin the sum at a float")
    assert night(source)[0]["parsed"] == 1


def test_a_shallow_clone_gives_what_it_has(source, tmp_path):
    for number in range(4):
        change(source, "sum(", "1 * sum(", f"Multiply by one for the time {number}")
    shallow = tmp_path / "shallow" / "source"
    shallow.parent.mkdir()
    git(tmp_path, "clone", "-q", "--depth", "3", source.as_uri(), str(shallow))
    assert len(night(shallow)[1]) == 2
    assert len(night(source, commits=2)[1]) == 2
    assert night(source, commits=0)[1] == []


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (
            "Fix the lock (#12)\n\nIt waited.\n\nCloses #9.\nChange-Id: I1\nCo-authored-by: A <a@b.org>",
            "Fix the lock\n\nIt waited.",
        ),
        ("Fixes #587: handle an empty list", "handle an empty list"),
        ("Thank eve.x+y@mail.example.com for it", "Thank for it"),
        ("Closes #4", ""),
    ],
)
def test_of_a_message_only_what_it_says_is_kept(message, kept):
    assert messages.clean_message(message) == kept


@pytest.mark.parametrize("message", ["Fix lint", "more cleanup", "Address review comments", ".", "Update core.py"])
def test_a_message_that_any_commit_could_have_says_nothing(message):
    assert messages.is_empty_of_meaning(message)


@pytest.mark.parametrize("message", ["Support Python 3.12", "Start the timer once"])
def test_a_number_alone_makes_no_version_bump(message):
    assert not messages.is_version_bump(message)


@pytest.mark.parametrize(("subject", "is_fix"), [("Fix a crash", True), ("Fix typo in docs", False), ("Add x", False)])
def test_a_fix_is_of_code_and_not_of_words(subject, is_fix):
    assert messages.is_fix(subject) is is_fix


TILL = """Object subclass: Till [
    sum: prices [
        "Add prices up."
        ^prices inject: 0 into: [:a :b | a + b]
    ]
    name [ ^'the  till' ]
]
"""


def test_smalltalk_that_was_only_respaced_is_no_edit_but_white_space_in_its_strings_and_comments_counts(repository):
    source = repository({"Till.st": TILL})
    change(source, "[:a :b | a + b]", "[ :a :b |\n            a + b ]", "Lay the sum out on two lines", "Till.st")
    change(source, "'the  till'", "'the till'", "Print one blank in the name of the till", "Till.st")
    change(source, '"Add prices up."', '"Add  prices up."', "Set the words of the sum further apart", "Till.st")
    _, edits, skipped = night(source)
    assert [edit["qualified_name"] for edit in edits] == ["Till>>sum:", "Till>>name"]
    assert "formatting" in {row["rule"] for row in skipped}


def test_an_edit_in_a_file_whose_lines_end_in_carriage_returns_stands_on_its_line(repository):
    source = repository({"Till.st": TILL.replace("\n", "\r").encode()})
    (source / "Till.st").write_bytes(TILL.replace("a + b", "b + a").replace("\n", "\r").encode())
    commit_all(source, "Add the newer price first")
    _, (edit,), _ = night(source)
    assert (edit["start_line"], edit["end_line"]) == (2, 5)
