"""Extraction reads each tracked source file once, parses only what changed, and says why it left anything out."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import ROOT, commit_all, git
from planted import Secret, left, secrets

from pipelines import progress
from pipelines.cleaning import clean, kingfisher
from pipelines.config.load import load_params
from pipelines.config.schema import Params
from pipelines.dag.stage import Facts
from pipelines.errors import NocturneError
from pipelines.extraction import stage as extraction
from pipelines.extraction.outputs import NAMES
from pipelines.extraction.parse_file import chunk_records, outline_of, parse_file
from pipelines.project import Project
from pipelines.records import Record, read_jsonl
from pipelines.snapshot import stage as snapshot
from pipelines.syntax.languages import LANGUAGES

FILES: dict[str, str | bytes] = {
    "LICENSE": "MIT License\n\nPermission is hereby granted, free of charge, to any\nperson obtaining a copy\n",
    "notes.txt": "Demo\n",
    "logo.png": b"\x89PNG\0",
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


def night(project: Project, cleaning: dict | None = None, **values: int) -> Facts:
    """Snapshot and extraction; `values` change params.extraction."""
    params: Params = load_params(ROOT)
    changed = params.extraction.model_copy(update=values)
    params = params.model_copy(update={"extraction": changed})
    params = params.model_copy(update={"cleaning": params.cleaning.model_copy(update=cleaning or {})})
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
        "files": 5,
        "parsed": 5,
        "reused": 0,
        "symbols": 4,
        "documented": 2,
        "chunks": 5,
        "skipped": 1,
        "findings": 0,
        "as_text": "text 2",
    }
    assert skipped(project) == {"logo.png": "binary: the name ends in .png"}
    texts = [file["path"] for file in lines(project, "files")]
    assert texts == ["LICENSE", "a.py", "notes.txt", "pkg/b.py", "web/c.ts"]


def test_records_carry_their_provenance(project, source):
    night(project)
    commit = git(source, "rev-parse", "HEAD").strip()
    blob = git(source, "rev-parse", "HEAD:a.py").strip()
    for name in ("symbols", "chunks", "files"):
        first = next(one for one in lines(project, name) if one["path"] == "a.py")
        assert [first[key] for key in ("path", "language", "blob", "commit")] == ["a.py", "python", blob, commit]
    (symbol, *_) = lines(project, "symbols")
    assert (symbol["qualified_name"], symbol["doc"], symbol["body"]) == ("f", "Adds one to it.", "    return x + 1")


def test_ranges_point_into_the_text_of_the_file(project):
    night(project)
    texts = {file["path"]: file["text"].encode() for file in lines(project, "files")}
    chunks, files = lines(project, "chunks"), lines(project, "files")
    assert chunks
    assert any(file["spans"] for file in files)
    for chunk in chunks:
        assert texts[chunk["path"]][chunk["start_byte"] : chunk["end_byte"]].decode() == chunk["text"]
        content = f"{chunk['symbol']}\n{chunk['text']}".encode()
        assert chunk["content_hash"] == hashlib.sha256(content).hexdigest()
    for file in files:
        assert all(0 <= start < end <= len(texts[file["path"]]) for start, end, _type in file["spans"])


def test_a_passage_is_as_complex_as_the_most_complex_function_that_it_holds_some_of():
    branches = "".join(f"    if n == {n}:\n        return {n}\n" for n in range(9))
    text = f'X = "{"x" * 100}"\n\n\nclass A:\n    def one(self):\n        return 1\n\n\ndef many(n):\n{branches}'
    source = text.encode()
    params = load_params(ROOT)
    cut = params.extraction.model_copy(update={"chunk_chars": 120, "overlap_chars": 0})
    chunks = parse_file(source, LANGUAGES[0], cut, params.cleaning)["chunks"]
    assert {chunk["complexity"] for chunk in chunks if "return" not in chunk["text"]} == {0}
    assert [chunk["complexity"] for chunk in chunks if "self" in chunk["text"]] == [1]
    assert {chunk["complexity"] for chunk in chunks if "if n ==" in chunk["text"]} == {10}
    whole = parse_file(source, LANGUAGES[0], params.extraction, params.cleaning)["chunks"]
    assert [chunk["complexity"] for chunk in whole] == [10]


def test_a_file_of_several_passages_is_summed_up_by_its_path_and_its_names():
    source = b"".join(b'def f%d():\n    """Says %d."""\n    return %d\n\n\n' % (n, n, n) for n in range(40))
    params = load_params(ROOT)
    parsed = parse_file(source, LANGUAGES[0], params.extraction, params.cleaning)
    origin = {"path": "a/b.py", "blob": "b", "commit": "c", "language": "python"}
    *passages, summary = chunk_records(parsed, origin)
    assert len(passages) > 1
    assert all(chunk["kind"] != "file" for chunk in passages)
    assert (summary["kind"], summary["path"]) == ("file", "a/b.py")
    assert summary["text"].split("\n") == ["a/b.py", *(f"f{n}" for n in range(40))]
    moved = chunk_records(parsed, {**origin, "path": "c.py"})[-1]
    assert moved["content_hash"] != summary["content_hash"]
    single = parse_file(b"x = 1\n", LANGUAGES[0], params.extraction, params.cleaning)
    assert [chunk["kind"] for chunk in chunk_records(single, origin)] == ["text"]
    assert outline_of(["one", "two", "three"], 8) == "one\ntwo"


def test_identifiers_are_unique_even_for_equal_files(project, source):
    (source / "copy.py").write_bytes((source / "a.py").read_bytes())
    commit_all(source)
    facts = night(project)
    assert (facts["parsed"], facts["reused"]) == (5, 1)
    for name, key in (("chunks", "chunk_id"), ("symbols", "symbol_id")):
        found = [record[key] for record in lines(project, name)]
        assert len(set(found)) == len(found)


def test_licenses_come_from_the_file_then_from_the_repository(project):
    night(project)
    found = {file["path"]: file["license"] for file in lines(project, "files")}
    assert found == dict.fromkeys(["LICENSE", "a.py", "notes.txt", "web/c.ts"], "MIT") | {"pkg/b.py": "Apache-2.0"}


def test_an_edited_function_is_the_only_file_parsed_again(project, source):
    night(project)
    (source / "a.py").write_text("def f(x):\n    return x + 2\n")
    commit_all(source)
    facts = night(project)
    assert (facts["parsed"], facts["reused"]) == (1, 4)
    warm = outputs(project)
    shutil.rmtree(project.cache)
    cold = night(project)
    assert (cold["parsed"], cold["reused"]) == (5, 0)
    assert outputs(project) == warm


def test_an_uncommitted_edit_is_seen(project, source):
    night(project)
    (source / "a.py").write_text("def edited():\n    return 1\n")
    facts = night(project)
    assert (facts["parsed"], facts["reused"]) == (1, 4)
    symbol = lines(project, "symbols")[0]
    assert symbol["name"] == "edited"
    assert symbol["commit"].endswith("-dirty")


def test_a_rename_parses_and_embeds_nothing_again(project, source):
    night(project)
    before = {chunk["content_hash"] for chunk in lines(project, "chunks")}
    git(source, "mv", "a.py", "renamed.py")
    commit_all(source)
    facts = night(project)
    assert (facts["parsed"], facts["reused"]) == (0, 5)
    assert {chunk["content_hash"] for chunk in lines(project, "chunks")} == before
    assert "renamed.py" in {chunk["path"] for chunk in lines(project, "chunks")}


def test_an_unrelated_commit_leaves_the_outputs_identical(project, source):
    night(project)
    before = outputs(project)
    (source / "logo.png").write_bytes(b"\x89PNG\0\0")
    commit_all(source)
    facts = night(project)
    assert facts["parsed"] == 0
    assert outputs(project) == before


def test_other_parameters_parse_again(project):
    night(project)
    assert night(project, chunk_chars=200, overlap_chars=0)["parsed"] == 5


def test_a_change_of_code_parses_again(project, monkeypatch):
    night(project)
    monkeypatch.setattr("pipelines.extraction.cache.syntax_identity", lambda: "other code")
    assert night(project)["parsed"] == 5


def test_a_torn_cache_entry_is_parsed_again(project):
    night(project)
    before = outputs(project)
    for file in (project.cache / "extraction").iterdir():
        file.write_bytes(file.read_bytes()[:-20])
    assert night(project)["parsed"] == 5
    assert outputs(project) == before


def test_the_cache_holds_only_what_the_snapshot_has(project, source):
    night(project)
    (source / "a.py").write_text("def f():\n    return 0\n")
    night(project)
    blob = git(source, "hash-object", "a.py").strip()
    names = {file.name for file in (project.cache / "extraction").iterdir()}
    assert len([name for name in names if name.endswith(".lines")]) == 5
    assert len(names) == 10
    assert f"python-{blob}.skip" in names


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
    assert facts["files"] == 6
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


def test_without_any_text_the_error_says_so(repository, tmp_path):
    project = Project("demo", repository({"logo.bin": b"\0"}), tmp_path / "workspace")
    with pytest.raises(NocturneError, match="no text file"):
        night(project)
    assert skipped(project) == {"logo.bin": "binary: it holds a NUL byte"}


def test_progress_is_told_file_by_file(project):
    steps: list[progress.Step] = []
    with progress.show_progress(steps.append):
        night(project)
    told = [(step.done, step.total, step.unit) for step in steps if step.unit.startswith("files")]
    assert told == [(done, 6, unit) for unit in ("files parsed", "files written") for done in range(7)]


def test_prose_and_smalltalk_are_read_like_any_language(project, source):
    (source / "README.md").write_text("# Demo\n\n## Use\n\nRun it.\n")
    (source / "Till.class.st").write_text('Class {\n\t#name : #Till\n}\n\nTill >> sum [\n\t"Add."\n\t^ coins sum\n]\n')
    (source / "Old.st").write_bytes("!Old methodsFor: 'x'!\rname\r\t^ 'é'! !\r".encode("mac_roman"))
    commit_all(source)
    night(project)
    names = {(s["language"], s["kind"], s["qualified_name"], s["start_line"]) for s in lines(project, "symbols")}
    assert {("markdown", "section", "Demo > Use", 3), ("smalltalk", "method", "Till>>sum", 5)} <= names
    assert ("markdown", "Demo > Use") in {(c["language"], c["symbol"]) for c in lines(project, "chunks")}
    assert [file["spans"] for file in lines(project, "files") if file["path"] == "README.md"] == [[]]
    assert skipped(project)["Old.st"].startswith("not UTF-8")


@pytest.fixture
def planted(source) -> list[Secret]:
    """Two secrets of every kind: in a string of one file, in a comment of another."""
    found = secrets(2, seed=5)
    text = [secret.value.replace("\n", "\\n").replace('"', "'") for secret in found]
    strings = [f'{secret.name}_{number} = "{text[number]}"' for number, secret in enumerate(found)]
    plain = ["    count = 0"] * 100  # or the long lines would make it a minified file
    (source / "strings.py").write_text("\n".join(["def run():", *(f"    {line}" for line in strings), *plain]) + "\n")
    comments = [f"// {secret.name}: {text[number]}" for number, secret in enumerate(found)]
    (source / "web" / "comments.ts").write_text(
        "\n".join([*comments, *["// plain words of a comment"] * 100, "export const one = 1;"]) + "\n"
    )
    commit_all(source)
    return found


def everything(project: Project) -> str:
    """All that a night leaves behind: outputs, cache, journal."""
    return "".join(path.read_text() for path in sorted(project.workspace.rglob("*")) if path.is_file())


def test_no_secret_reaches_an_output_or_the_cache(project, planted, source):
    assert all(left(secret, (source / "strings.py").read_text()) for secret in planted)
    facts = night(project)
    assert not [secret.kind for secret in planted if left(secret, everything(project))]
    assert {"strings.py", "web/comments.ts"} <= {file["path"] for file in lines(project, "files")}
    found = lines(project, "findings")
    assert facts["findings"] == len(found) >= 2 * len(planted)
    keys = {"path", "blob", "commit", "kind", "scanner", "category", "start_line", "end_line", "action"}
    assert {frozenset(item) for item in found} == {frozenset(keys)}
    assert {item["path"] for item in found} == {"strings.py", "web/comments.ts"}


def test_findings_are_the_same_from_the_cache(project, planted):
    night(project)
    cold = outputs(project)
    assert night(project)["parsed"] == 0
    assert outputs(project) == cold


def test_quarantine_lists_the_file_with_its_rule_and_nothing_of_it(project, planted):
    night(project, {"secrets": "quarantine"})
    rules = {item["path"]: item["rule"] for item in lines(project, "skipped")}
    assert rules["strings.py"] == rules["web/comments.ts"] == "secret"
    assert {item["action"] for item in lines(project, "findings")} == {"quarantine"}
    assert planted
    assert everything(project)
    assert not [secret.kind for secret in planted if left(secret, everything(project))]


def test_other_cleaning_parameters_or_scanners_parse_again(project, monkeypatch):
    night(project)
    assert night(project, {"personal": "keep"})["parsed"] == 5
    monkeypatch.setattr("pipelines.cleaning.fingerprint.cleaning_identity", lambda: "other scanners")
    assert night(project, {"personal": "keep"})["parsed"] == 5


def test_a_file_under_a_licence_that_is_not_allowed_stays_out(project):
    night(project, {"licenses": ["MIT"]})
    assert {"path": "pkg/b.py", "rule": "license"}.items() <= lines(project, "skipped")[-1].items()
    assert [file["path"] for file in lines(project, "files")] == ["LICENSE", "a.py", "notes.txt", "web/c.ts"]


def test_what_a_scanner_could_not_check_stays_out_and_is_tried_again(project, monkeypatch):
    scan = kingfisher.scan

    def fails_once(source, path):
        if b"class B" in source:
            raise RuntimeError(source)
        return scan(source, path)

    monkeypatch.setattr(kingfisher, "scan", fails_once)
    night(project)
    (refused,) = (item for item in lines(project, "skipped") if item["rule"] == clean.FAILED)
    assert (refused["path"], refused["reason"]) == ("pkg/b.py", "kingfisher could not check it (RuntimeError)")
    monkeypatch.setattr(kingfisher, "scan", scan)
    assert night(project)["parsed"] == 1


def test_a_notebook_is_read_on_its_own_lines(project, source):
    (secret, *_) = [made for made in secrets(1, 5) if made.kind == "AWS key"]
    code = ["import os\n", f'{secret.name} = "{secret.value}"\n', "\n", "def trial(n):\n", "    return n\n"]
    cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [], "source": code}
    for name, language in (("trial.ipynb", "python"), ("other.ipynb", "julia")):
        metadata = {"language_info": {"name": language}}
        notebook = {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        (source / name).write_text(json.dumps(notebook, indent=1) + "\n")
    commit_all(source)
    night(project)
    raw = (source / "trial.ipynb").read_text().split("\n")
    (symbol,) = [one for one in lines(project, "symbols") if one["path"] == "trial.ipynb"]
    (file,) = [one for one in lines(project, "files") if one["path"] == "trial.ipynb"]
    (finding,) = [one for one in lines(project, "findings") if one["path"] == "trial.ipynb"]
    assert [raw[symbol["start_line"] - 1].strip(), raw[symbol["end_line"] - 1].strip()] == [
        '"def trial(n):\\n",',
        '"    return n\\n"',
    ]
    text = file["text"].encode()[symbol["start_byte"] : symbol["end_byte"]].decode()
    assert (symbol["language"], text) == ("python", symbol["code"])
    assert file["text"].count("\n") + 1 == len(raw)
    assert secret.value in raw[finding["start_line"] - 1]
    assert not any(left(secret, output.decode()) for output in outputs(project).values())
    assert skipped(project)["other.ipynb"] == "notebook: its cells are julia, and only Python's are read"
