"""The snapshot is what git tracks, as the working tree has it; nothing outside the repository is ever read."""

import os
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, commit_all, git, make_repository

from pipelines.config.load import load_params
from pipelines.errors import NocturneError, UsageError
from pipelines.project import Project
from pipelines.records import read_json
from pipelines.snapshot.stage import STAGE
from pipelines.source import safe_open, tracked
from pipelines.source.patterns import make_matcher
from pipelines.source.reader import CHANGED, Reader, Unreadable
from pipelines.source.tracked import tracked_files

FILES: dict[str, str | bytes] = {"a.py": "x = 1\n", "pkg/b.py": "y = 2\n", "docs/c.md": "# C\n"}


def project(source: Path, tmp_path: Path) -> Project:
    return Project("demo", source, tmp_path / "workspace")


def snapshot(source: Path, tmp_path: Path, **patterns: list[str]) -> dict:
    params = load_params(ROOT)
    chosen = params.snapshot.model_copy(update=patterns)
    STAGE.run(project(source, tmp_path), params.model_copy(update={"snapshot": chosen}))
    return read_json(project(source, tmp_path).path("snapshot", "snapshot.json"))


def by_path(source: Path) -> dict:
    return {file.path: file for file in tracked_files(source)[0]}


def failure(source: Path, tmp_path: Path) -> NocturneError:
    with pytest.raises(NocturneError) as caught:
        snapshot(source, tmp_path)
    assert "\n" not in caught.value.fact + caught.value.next_step
    return caught.value


def test_the_record_of_a_file_is_what_git_says(repository, tmp_path):
    source = repository(FILES)
    commit = git(source, "rev-parse", "HEAD").strip()
    taken = snapshot(source, tmp_path)
    assert taken["commit"] == commit
    assert [file["path"] for file in taken["files"]] == ["a.py", "docs/c.md", "pkg/b.py"]
    blob = git(source, "rev-parse", "HEAD:a.py").strip()
    first = {"path": "a.py", "blob": blob, "mode": "100644", "size": 6, "commit": commit, "dirty": False}
    first["attributes"] = {}
    assert taken["files"][0] == first


def test_facts_name_what_was_found(repository, tmp_path):
    source = repository(FILES)
    (source / "a.py").write_text("x = 2\n")
    facts = STAGE.run(project(source, tmp_path), load_params(ROOT))
    commit = git(source, "rev-parse", "HEAD")[:12]
    assert facts == {"files": 3, "bytes": 16, "commit": commit, "dirty": 1, "skipped": 0}


def test_the_base_model_is_identified(repository, tmp_path):
    snapshot(repository(FILES), tmp_path)
    base = read_json(project(tmp_path / "source", tmp_path).path("snapshot", "base.json"))
    assert base["base_model"] == load_params(ROOT).training.base_model
    assert set(base) == {"base_model", "identity"}


def test_an_edited_file_is_taken_as_it_stands(repository):
    source = repository(FILES)
    commit = git(source, "rev-parse", "HEAD").strip()
    (source / "a.py").write_text("x = 22\n")
    (source / "new.py").write_text("untracked = True\n")
    found = by_path(source)
    assert found["a.py"].blob == git(source, "hash-object", "--no-filters", "a.py").strip()
    assert (found["a.py"].dirty, found["a.py"].size, found["a.py"].commit) == (True, 7, f"{commit}-dirty")
    assert not found["pkg/b.py"].dirty
    assert "new.py" not in found


def test_staged_changes_are_dirty_and_staged_files_uncommitted(repository):
    source = repository(FILES)
    (source / "a.py").write_text("x = 3\n")
    (source / "new.py").write_text("new = True\n")
    git(source, "add", "-A")
    found = by_path(source)
    assert found["a.py"].commit.endswith("-dirty")
    assert (found["new.py"].commit, found["new.py"].dirty) == ("uncommitted", True)


def test_an_index_that_changes_while_it_is_compared_is_read_again(repository, monkeypatch):
    """What was staged under a name that is gone by then was never in that file."""
    source = repository(FILES)
    (source / "a.py").write_text("edited\n")
    git(source, "mv", "a.py", "moved.py")
    compared = tracked._changed

    def moved_back(root, command, *arguments):
        if (source / "moved.py").exists():
            git(source, "mv", "moved.py", "a.py")
        return compared(root, command, *arguments)

    monkeypatch.setattr(tracked, "_changed", moved_back)
    found = by_path(source)
    assert "moved.py" not in found
    assert found["a.py"].dirty


def test_a_touched_file_is_not_dirty(repository):
    source = repository(FILES)
    before = by_path(source)
    os.utime(source / "a.py", (1, 1))
    assert by_path(source) == before


def test_a_file_deleted_from_the_working_tree_is_left_out(repository):
    source = repository(FILES)
    (source / "a.py").unlink()
    assert sorted(by_path(source)) == ["docs/c.md", "pkg/b.py"]


def test_a_folder_of_a_repository_can_be_the_source(repository):
    source = repository(FILES)
    (source / "pkg" / "b.py").write_text("y = 3\n")
    found = by_path(source / "pkg")
    assert list(found) == ["b.py"]
    assert found["b.py"].commit.endswith("-dirty")


def test_an_unrelated_commit_changes_no_record(repository):
    source = repository(FILES)
    before = by_path(source)
    (source / "docs" / "c.md").write_text("# D\n")
    second = commit_all(source)
    after = by_path(source)
    assert after["a.py"] == before["a.py"]
    assert after["docs/c.md"].commit == second


def test_a_merge_counts_only_for_what_it_resolved(repository):
    source = repository(FILES)
    git(source, "checkout", "-q", "-b", "side")
    (source / "a.py").write_text("x = 'side'\n")
    (source / "s.py").write_text("s = 1\n")
    side = commit_all(source, "side")
    git(source, "checkout", "-q", "main")
    (source / "a.py").write_text("x = 'main'\n")
    commit_all(source, "main")
    with pytest.raises(subprocess.CalledProcessError):
        git(source, "merge", "-q", "side")
    assert by_path(source)["a.py"].dirty
    (source / "a.py").write_text("x = 'both'\n")
    merge = commit_all(source, "merge")
    found = by_path(source)
    assert (found["a.py"].commit, found["s.py"].commit) == (merge, side)


def test_links_and_submodules_are_listed_and_never_read(repository, tmp_path):
    secret = tmp_path / "secret.py"
    secret.write_text("password = 1\n")
    source = repository(FILES)
    (source / "link.py").symlink_to(secret)
    git(source, "add", "link.py")
    git(source, "update-index", "--add", "--cacheinfo", f"160000,{git(source, 'rev-parse', 'HEAD').strip()},sub")
    taken = snapshot(source, tmp_path)
    reasons = {item["path"]: item["reason"] for item in taken["skipped"]}
    assert reasons == {"link.py": "symbolic link", "sub": "submodule"}
    assert "link.py" not in {file["path"] for file in taken["files"]}


def test_a_file_exchanged_for_a_link_or_a_pipe_is_not_followed(repository, tmp_path):
    source = repository({**FILES, "p.py": "p = 1\n"})
    (tmp_path / "secret.py").write_text("password = 1\n")
    (source / "a.py").unlink()
    (source / "a.py").symlink_to(tmp_path / "secret.py")
    (source / "p.py").unlink()
    os.mkfifo(source / "p.py")
    found, skipped = tracked_files(source)
    assert [file.path for file in found] == ["docs/c.md", "pkg/b.py"]
    assert {item.path: item.reason for item in skipped} == {
        "a.py": "symbolic link on its path",
        "p.py": "not a plain file",
    }


def test_a_folder_exchanged_for_a_link_is_not_followed(repository, tmp_path):
    source = repository(FILES)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.py").write_text("password = 1\n")
    (source / "pkg" / "b.py").unlink()
    (source / "pkg").rmdir()
    (source / "pkg").symlink_to(outside)
    assert "pkg/b.py" not in by_path(source)
    with pytest.raises(safe_open.Unsafe), safe_open.open_file(source, "pkg/b.py"):
        pass


@pytest.mark.parametrize("path", ["../secret.py", "/etc/hostname", "pkg/../../secret.py"])
def test_a_path_out_of_the_repository_is_never_opened(repository, tmp_path, path):
    (tmp_path / "secret.py").write_text("password = 1\n")
    with pytest.raises(safe_open.Unsafe), safe_open.open_file(repository(FILES), path):
        pass


def test_the_reader_gives_the_recorded_bytes_or_nothing(repository):
    source = repository(FILES)
    (source / "a.py").write_text("x = 'edited'\n")
    clean, edited = by_path(source)["pkg/b.py"], by_path(source)["a.py"]
    with Reader(source) as reader:
        (source / "pkg" / "b.py").write_text("changed since\n")
        assert reader.read(clean.path, clean.blob, clean.size) == b"y = 2\n"
        assert reader.read(edited.path, edited.blob, edited.size) == b"x = 'edited'\n"
        (source / "a.py").write_text("x = 'again!'\n")
        with pytest.raises(Unreadable, match=CHANGED):
            reader.read(edited.path, edited.blob, edited.size)
        (source / "a.py").unlink()
        with pytest.raises(Unreadable, match=CHANGED):
            reader.read(edited.path, edited.blob, edited.size)


def test_nothing_that_a_repository_configures_is_executed(repository, tmp_path):
    source = repository({**FILES, ".gitattributes": "*.py filter=evil diff=evil\n"})
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    for key in ("filter.evil.clean", "filter.evil.smudge", "diff.evil.textconv", "diff.external", "core.fsmonitor"):
        git(source, "config", key, str(trap))
    (source / "a.py").write_text("x = 9\n")
    assert by_path(source)["a.py"].blob == git(source, "hash-object", "--no-filters", "a.py").strip()
    assert not (tmp_path / "sprung").exists()


def test_variables_that_name_another_repository_are_not_obeyed(repository, tmp_path, monkeypatch):
    source = repository(FILES)
    other = make_repository(tmp_path / "other", {"o.py": "o = 1\n"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert sorted(by_path(source)) == sorted(FILES)


def test_paths_that_are_not_utf8_are_skipped_and_odd_ones_kept(repository):
    source = repository({**FILES, "sp ace\n\u00e9\t.py": "z = 1\n"})
    broken = os.fsencode(source) + b"/\xff.py"
    Path(os.fsdecode(broken)).write_text("z = 1\n")
    commit_all(source)
    found, skipped = tracked_files(source)
    assert "sp ace\n\u00e9\t.py" in {file.path for file in found}
    assert [(item.path, item.reason) for item in skipped] == [("\\xff.py", "path is not UTF-8")]


def test_sha256_repositories_are_read(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    git(source, "init", "-q", "--object-format=sha256")
    (source / "a.py").write_text("x = 1\n")
    commit_all(source)
    (source / "a.py").write_text("x = 2\n")
    file = by_path(source)["a.py"]
    assert len(file.blob) == 64
    with Reader(source) as reader:
        assert reader.read(file.path, file.blob, file.size) == b"x = 2\n"


def test_patterns_are_those_of_gitignore(repository, tmp_path):
    source = repository({**FILES, "pkg/gen/d.py": "d = 1\n"})
    taken = snapshot(source, tmp_path, include=["*.py"], exclude=["gen/"])
    assert [file["path"] for file in taken["files"]] == ["a.py", "pkg/b.py"]
    assert {item["path"]: (item["reason"], item["rule"]) for item in taken["skipped"]} == {
        "docs/c.md": ("matches no pattern of snapshot.include", "snapshot.include"),
        "pkg/gen/d.py": ("matches `gen/` of snapshot.exclude", "snapshot.exclude"),
    }


def test_only_the_repositorys_own_ignore_and_attribute_files_count(repository, tmp_path):
    source = repository({**FILES, ".gitattributes": "a.py linguist-generated\n"})
    (tmp_path / "mine").write_text("b.py linguist-vendored\n")
    (tmp_path / "ignore").write_text("b.py\n")
    git(source, "config", "core.attributesFile", str(tmp_path / "mine"))
    git(source, "config", "core.excludesFile", str(tmp_path / "ignore"))
    found = by_path(source)
    assert found["a.py"].attributes == {"generated": True}
    assert found["pkg/b.py"].attributes == {}


def test_patterns_that_take_nothing_are_an_error(repository, tmp_path):
    source = repository(FILES)
    with pytest.raises(NocturneError, match="None of the 3 tracked files"):
        snapshot(source, tmp_path, include=["*.rs"])


def test_a_pattern_that_is_none_is_a_usage_error():
    with pytest.raises(UsageError, match=r"snapshot\.include"):
        make_matcher(["!"], [])


def test_a_source_that_does_not_exist_is_an_error(tmp_path):
    assert "does not exist" in failure(tmp_path / "nowhere", tmp_path).fact


def test_a_source_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    assert "is not a folder" in failure(tmp_path / "file", tmp_path).fact


def test_a_folder_without_git_is_an_error(tmp_path):
    (tmp_path / "plain").mkdir()
    assert "is not a git repository" in failure(tmp_path / "plain", tmp_path).fact


def test_a_bare_repository_is_an_error(tmp_path):
    (tmp_path / "bare").mkdir()
    git(tmp_path / "bare", "init", "-q", "--bare")
    assert "has no working tree" in failure(tmp_path / "bare", tmp_path).fact


def test_a_repository_without_commits_is_an_error(tmp_path):
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "-q")
    assert "is empty: it has no commit" in failure(tmp_path / "new", tmp_path).fact


def test_a_repository_without_files_is_an_error(repository, tmp_path):
    assert "is empty: it has no tracked file" in failure(repository({}), tmp_path).fact


def test_a_missing_git_is_an_error(repository, tmp_path, monkeypatch):
    source = repository(FILES)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git` was not found" in failure(source, tmp_path).fact
