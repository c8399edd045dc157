"""What is said of a file that a person is shown: whether it still is what was read of it."""

import pytest
from conftest import commit_all, git

from pipelines.source import tracked
from pipelines.source.changes import CHANGED, GONE, SAME, UNCOMMITTED, file_states

FILES = {"a.py": "x = 1\n", "app/[id]/page.py": "y = 2\n", "pkg/b.py": "z = 3\n"}


@pytest.fixture
def source(repository):
    return repository(FILES)


def read(source) -> dict:
    """Path → what a night reads of it."""
    return {file.path: (file.path, file.blob, file.commit) for file in tracked.tracked_files(source)[0]}


def said(source, before: dict) -> dict:
    found = file_states(source, before.values())
    return {path: found[file] for path, file in before.items()}


def test_files_that_are_as_they_were_read_are_not_spoken_of(source):
    assert said(source, read(source)) == dict.fromkeys(FILES, SAME)


def test_an_edit_a_deletion_and_a_commit_since_are_told_apart_from_the_rest(source):
    before = read(source)
    (source / "a.py").write_text("x = 2\n")
    (source / "pkg" / "b.py").unlink()
    assert said(source, before) == {"a.py": CHANGED, "app/[id]/page.py": SAME, "pkg/b.py": GONE}
    commit_all(source)
    assert said(source, before)["a.py"] == CHANGED


def test_what_was_read_before_it_was_committed_is_uncommitted_until_it_is(source):
    (source / "app" / "[id]" / "page.py").write_text("y = 22\n")
    (source / "new.py").write_text("new = 1\n")
    git(source, "add", "new.py")
    before = read(source)
    uncommitted = {path for path, state in said(source, before).items() if state == UNCOMMITTED}
    assert uncommitted == {"app/[id]/page.py", "new.py"}
    commit_all(source)
    assert said(source, before) == dict.fromkeys(before, SAME)


def test_line_ends_that_git_itself_writes_are_no_change(source):
    (source / ".gitattributes").write_text("*.py text eol=crlf\n")
    commit_all(source)
    for path in FILES:
        (source / path).unlink()
    git(source, "checkout", "--", ".")
    assert (source / "a.py").read_bytes() == b"x = 1\r\n"
    before = read(source)
    assert said(source, before) == dict.fromkeys(before, SAME)
    (source / "app" / "[id]" / "page.py").write_text("y = 22\n")
    assert said(source, before) == {**dict.fromkeys(before, SAME), "app/[id]/page.py": CHANGED}


def test_a_path_that_has_become_a_link_is_changed_and_is_not_followed(source, tmp_path):
    before = read(source)
    (tmp_path / "elsewhere.py").write_text("x = 1\n")
    (source / "a.py").unlink()
    (source / "a.py").symlink_to(tmp_path / "elsewhere.py")
    assert said(source, before)["a.py"] == CHANGED


def test_without_the_repository_nothing_is_said(tmp_path):
    file = ("a.py", "b" * 40, "c" * 40 + "-dirty")
    assert file_states(tmp_path / "gone", [file]) == {file: SAME}
