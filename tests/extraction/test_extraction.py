"""Extraction reads each tracked source file once, parses only what changed, and says why it left anything out."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from conftest import ROOT, commit_all, git

from pipelines import progress
from pipelines.errors import NocturneError
from pipelines.extraction import stage as extraction
from pipelines.extraction.outputs import NAMES
from pipelines.params import Params, load_params
from pipelines.project import Project
from pipelines.records import Record, read_jsonl
from pipelines.snapshot import stage as snapshot
from pipelines.stage import Facts

FILES: dict[str, str | bytes] = {
    "LICENSE": "MIT License\n\nPermission is hereby granted, free of charge, to any\nperson obtaining a copy\n",
    "README.md": "# Demo\n",
    "a.py": '"""A."""\n\n\ndef f(x):\n    """Adds one to it."""\n    return x + 1\n',
    "pkg/b.py": "# SPDX-License-Identifier: Apache-2.0\nclass B:\n    def g(self):\n        return 'b'\n",
    "web/c.ts": "/** Says hi. */\nexport function hi(name: string): string {\n  return `hi ${name}`;\n}\n",
}


@pytest.fixture
def source(repository) -> Path:
    return repository(FILES)


@pytest.fixture
def project(source, tmp_path) -> Project:
    return Project("demo", source, tmp_path / "workspace")


def night(project: Project, **values: int) -> Facts:
    """Snapshot and extraction; `values` change params.extraction."""
    params: Params = load_params(ROOT)
    changed = params.extraction.model_copy(update=values)
    params = params.model_copy(update={"extraction": changed})
    snapshot.STAGE.run(project, params)
    return extraction.STAGE.run(project, params)


def lines(project: Project, name: str) -> list[Record]:
    return list(read_jsonl(project.path("extraction", f"{name}.jsonl")))


def outputs(project: Project) -> dict[str, bytes]:
    return {name: project.path("extraction", f"{name}.jsonl").read_bytes() for name in NAMES}


def skipped(project: Project) -> dict[str, str]:
    return {item["path"]: item["reason"] for item in lines(project, "skipped")}


def test_every_source_file_is_parsed_and_the_rest_is_listed(project):
    facts = night(project)
    assert facts == {
        "files": 3,
        "parsed": 3,
        "reused": 0,
        "symbols": 4,
        "documented": 2,
        "chunks": 3,
        "skipped": 2,
        "no_parser": ".md 1, names without an extension 1",
    }
    assert skipped(project) == {
        "LICENSE": "no parser for names without an extension",
        "README.md": "no parser for .md",
    }
    assert [file["path"] for file in lines(project, "files")] == ["a.py", "pkg/b.py", "web/c.ts"]


def test_records_carry_their_provenance(project, source):
    night(project)
    commit = git(source, "rev-parse", "HEAD").strip()
    blob = git(source, "rev-parse", "HEAD:a.py").strip()
    for name in ("symbols", "chunks", "files"):
        first = lines(project, name)[0]
        assert [first[key] for key in ("path", "language", "blob", "commit")] == ["a.py", "python", blob, commit]
    (symbol, *_) = lines(project, "symbols")
    assert (symbol["qualified_name"], symbol["doc"], symbol["body"]) == ("f", "Adds one to it.", "    return x + 1")


def test_ranges_point_into_the_text_of_the_file(project):
    night(project)
    texts = {file["path"]: file["text"].encode() for file in lines(project, "files")}
    for chunk in lines(project, "chunks"):
        assert texts[chunk["path"]][chunk["start_byte"] : chunk["end_byte"]].decode() == chunk["text"]
        content = f"{chunk['symbol']}\n{chunk['text']}".encode()
        assert chunk["content_hash"] == hashlib.sha256(content).hexdigest()
    for file in lines(project, "files"):
        assert all(0 <= start < end <= len(texts[file["path"]]) for start, end, _type in file["spans"])


def test_identifiers_are_unique_even_for_equal_files(project, source):
    (source / "copy.py").write_bytes((source / "a.py").read_bytes())
    commit_all(source)
    facts = night(project)
    assert (facts["parsed"], facts["reused"]) == (3, 1)
    for name, key in (("chunks", "chunk_id"), ("symbols", "symbol_id")):
        found = [record[key] for record in lines(project, name)]
        assert len(set(found)) == len(found)


def test_licenses_come_from_the_file_then_from_the_repository(project):
    night(project)
    found = {file["path"]: file["license"] for file in lines(project, "files")}
    assert found == {"a.py": "MIT", "pkg/b.py": "Apache-2.0", "web/c.ts": "MIT"}


def test_an_edited_function_is_the_only_file_parsed_again(project, source):
    night(project)
    (source / "a.py").write_text("def f(x):\n    return x + 2\n")
    commit_all(source)
    facts = night(project)
    assert (facts["parsed"], facts["reused"]) == (1, 2)
    warm = outputs(project)
    shutil.rmtree(project.cache)
    cold = night(project)
    assert (cold["parsed"], cold["reused"]) == (3, 0)
    assert outputs(project) == warm


def test_an_uncommitted_edit_is_seen(project, source):
    night(project)
    (source / "a.py").write_text("def edited():\n    return 1\n")
    facts = night(project)
    assert (facts["parsed"], facts["reused"]) == (1, 2)
    symbol = lines(project, "symbols")[0]
    assert symbol["name"] == "edited"
    assert symbol["commit"].endswith("-dirty")


def test_a_rename_parses_and_embeds_nothing_again(project, source):
    night(project)
    before = {chunk["content_hash"] for chunk in lines(project, "chunks")}
    git(source, "mv", "a.py", "renamed.py")
    commit_all(source)
    facts = night(project)
    assert (facts["parsed"], facts["reused"]) == (0, 3)
    assert {chunk["content_hash"] for chunk in lines(project, "chunks")} == before
    assert "renamed.py" in {chunk["path"] for chunk in lines(project, "chunks")}


def test_an_unrelated_commit_leaves_the_outputs_identical(project, source):
    night(project)
    before = outputs(project)
    (source / "README.md").write_text("# Other words\n")
    commit_all(source)
    facts = night(project)
    assert facts["parsed"] == 0
    assert outputs(project) == before


def test_other_parameters_parse_again(project):
    night(project)
    assert night(project, chunk_chars=200, overlap_chars=0)["parsed"] == 3


def test_a_change_of_code_parses_again(project, monkeypatch):
    night(project)
    monkeypatch.setattr("pipelines.extraction.cache.identity", lambda: "other code")
    assert night(project)["parsed"] == 3


def test_a_torn_cache_entry_is_parsed_again(project):
    night(project)
    before = outputs(project)
    for file in (project.cache / "extraction").iterdir():
        file.write_bytes(file.read_bytes()[:-20])
    assert night(project)["parsed"] == 3
    assert outputs(project) == before


def test_the_cache_holds_only_what_the_snapshot_has(project, source):
    night(project)
    (source / "a.py").write_text("def f():\n    return 0\n")
    night(project)
    blob = git(source, "hash-object", "a.py").strip()
    names = {file.name for file in (project.cache / "extraction").iterdir()}
    assert len(names) == 3
    assert f"python-{blob}.json" in names


def test_what_is_no_source_text_is_skipped_with_its_reason(project, source):
    (source / "binary.py").write_bytes(b"x = 1\0")
    (source / "latin.py").write_bytes("name = 'é'\n".encode("latin-1"))
    (source / "empty.py").write_bytes(b"")
    (source / "blank.py").write_bytes(b"\xef\xbb\xbf \n\n")
    (source / "line.js").write_text("var a='" + "x" * 6_000 + "';\n")
    (source / "mean.js").write_text(("a" * 300 + ";\n") * 20)
    (source / "wide.py").write_text("x = '" + "y" * 300 + "'\n")
    commit_all(source)
    facts = night(project)
    reasons = skipped(project)
    assert reasons["binary.py"].startswith("binary")
    assert reasons["latin.py"] == "not UTF-8: byte 8 cannot be decoded"
    assert reasons["empty.py"] == reasons["blank.py"] == "empty"
    assert reasons["line.js"] == "minified: a line of 6,009 characters (limit 5,000)"
    assert reasons["mean.js"].startswith("minified: 302 characters a line")
    assert "wide.py" not in reasons
    assert facts["files"] == 4
    cold = outputs(project)
    assert night(project)["parsed"] == 0
    assert outputs(project) == cold


def test_a_large_file_is_never_loaded(project, source, monkeypatch):
    large = source / "large.py"
    with large.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    git(source, "add", "large.py")
    asked = []
    read = extraction.Reader.read
    monkeypatch.setattr(
        extraction.Reader, "read", lambda self, path, *rest: asked.append(path) or read(self, path, *rest)
    )
    night(project)
    assert skipped(project)["large.py"] == "52,428,800 bytes are more than extraction.max_file_kb = 512"
    assert "large.py" not in asked
    assert "a.py" in asked


def test_links_out_of_the_repository_are_never_read(project, source, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.py").write_text("password = 'hunter2'\n")
    (source / "link.py").symlink_to(outside / "b.py")
    commit_all(source)
    shutil.rmtree(source / "pkg")
    (source / "pkg").symlink_to(outside)
    night(project)
    assert skipped(project)["link.py"] == "symbolic link"
    assert all(b"hunter2" not in content for content in outputs(project).values())
    assert "pkg/b.py" not in {file["path"] for file in lines(project, "files")}


def test_a_folder_that_becomes_a_link_during_the_night_is_not_followed(project, source, tmp_path):
    (source / "pkg" / "b.py").write_text("edited = 1\n")
    params = load_params(ROOT)
    snapshot.STAGE.run(project, params)
    (source / "pkg").rename(tmp_path / "outside")
    (source / "pkg").symlink_to(tmp_path / "outside")
    extraction.STAGE.run(project, params)
    assert skipped(project)["pkg/b.py"] == "symbolic link on its path"


def test_a_file_that_changes_during_the_night_waits_for_the_next(project, source):
    (source / "a.py").write_text("first = 1\n")
    params = load_params(ROOT)
    snapshot.STAGE.run(project, params)
    (source / "a.py").write_text("second = 2\n")
    extraction.STAGE.run(project, params)
    assert skipped(project)["a.py"] == "changed while it was read; the next night will take it"
    night(project)
    assert "a.py" not in skipped(project)


def test_paths_that_are_not_utf8_are_listed(project, source):
    Path(os.fsdecode(os.fsencode(source) + b"/\xff.py")).write_text("z = 1\n")
    commit_all(source)
    night(project)
    assert skipped(project)["\\xff.py"] == "path is not UTF-8"


def test_source_with_errors_is_still_cut_and_its_good_symbols_used(project, source):
    (source / "broken.py").write_text("def good():\n    return 1\n\ndef bad(:\n    pass\n")
    commit_all(source)
    night(project)
    assert any(s["path"] == "broken.py" and s["name"] == "good" for s in lines(project, "symbols"))
    text = "\n".join(chunk["text"] for chunk in lines(project, "chunks") if chunk["path"] == "broken.py")
    assert "def bad(:" in text


def test_without_any_source_file_the_error_names_the_languages(repository, tmp_path):
    project = Project("demo", repository({"README.md": "# Words\n"}), tmp_path / "workspace")
    with pytest.raises(NocturneError, match="no source file") as caught:
        night(project)
    assert "python, javascript, typescript" in caught.value.next_step
    assert skipped(project) == {"README.md": "no parser for .md"}


def test_progress_is_told_file_by_file(project):
    steps: list[progress.Step] = []
    with progress.shown_by(steps.append):
        night(project)
    assert (steps[-1].done, steps[-1].total, steps[-1].unit) == (5, 5, "files")
