"""What `nocturne search` and `ask` show of a hit: the definition, its own lines, and whether its file still is as it
was indexed; hits are of a real index of a real repository."""

import json

import numpy as np
import pytest
from conftest import make_repository, make_workspace

from pipelines import cli
from pipelines.assistant.answer import Answer, _cite
from pipelines.assistant.passages import passages
from pipelines.config.load import load_params
from pipelines.extraction.parse_file import chunk_records, parse_file
from pipelines.index import open_index, publish
from pipelines.index.search.query import parse_query as asked_for
from pipelines.project import Project
from pipelines.records import file_sha256, write_json, write_jsonl
from pipelines.source import tracked
from pipelines.syntax.languages import language_named

TIDE = '''class Tide:
    """Water."""

    def rise(self):
        # up, and up
        return self.level + 1

    def fall(self):
        return self.level - 1
'''
TEXT = "level = 3\n\nprint(level)\n"


@pytest.fixture
def searched(tmp_path, monkeypatch, capfd):
    """Runs the command on a published index of two files; returns what it printed, and the source's folder."""
    source = make_repository(tmp_path / "source", {"sea/tide.py": TIDE, "main.py": TEXT})
    workspace = make_workspace(tmp_path / "workspace", {"sea": source})
    monkeypatch.setenv("NOCTURNE_HOME", str(workspace))
    params, project = load_params(workspace), Project("sea", source, workspace)
    chunks = []
    for file in tracked.tracked_files(source)[0]:
        found = parse_file(
            (source / file.path).read_bytes(), language_named("python"), params.extraction, params.cleaning
        )
        origin = {"path": file.path, "language": "python", "blob": file.blob, "commit": file.commit}
        chunks += chunk_records(found, origin)
    vectors = np.eye(len(chunks), 8, dtype=np.float32)
    write_jsonl(project.path("extraction", "chunks.jsonl"), chunks)
    vectors_file = project.path("embedding", "vectors.npy")
    vectors_file.parent.mkdir(parents=True)
    np.save(vectors_file, vectors)
    facts = {"model": "m", "dimension": 8, "count": len(chunks), "vectors_sha256": file_sha256(vectors_file)}
    write_json(project.path("embedding", "embedding.json"), facts)
    version = publish(project, params).version

    def hits(text):
        asked = asked_for(text)
        with open_index(project, params.index, version) as index:
            return index.search(asked.text, vectors[0], 5, asked.scope)

    def run(command, text, *options):
        found = hits(text)
        if command == "ask":
            of_definitions = asked_for(text).scope.is_of_definitions()
            quoted = passages(asked_for(text).text, found, of_definitions)
            found = Answer("an answer", _cite(project, quoted), "extractive")
        monkeypatch.setattr("pipelines.release.index_versions.open_served", lambda place, params, asks: (found, []))
        monkeypatch.setattr("sys.argv", ["nocturne", command, text, *options])
        with pytest.raises(SystemExit):
            cli.main()
        return capfd.readouterr().out

    return run, source


def test_a_hit_is_its_definition_with_its_own_lines_and_the_first_of_them(searched):
    run, _ = searched
    score, place, symbol = run("search", "kind:method fall").splitlines()[0].split("  ")
    assert 0 < float(score) <= 1
    assert (place, symbol) == ("sea/tide.py:8-9", "Tide.fall")
    assert run("search", "kind:method fall").splitlines()[1:] == [
        "       def fall(self):",
        "           return self.level - 1",
    ]


def test_as_many_lines_are_shown_as_are_asked_for_and_none_beyond_the_definition(searched):
    run, _ = searched
    assert len(run("search", "symbol:rise level", "--lines", "0").splitlines()) == 1
    shown = run("search", "symbol:rise level", "--lines", "9").splitlines()
    assert [line.strip() for line in shown[1:]] == ["def rise(self):", "# up, and up", "return self.level + 1"]


def test_a_passage_without_a_definition_shows_its_own_lines(searched):
    run, _ = searched
    assert run("search", "path:main.py print", "--lines", "1").splitlines()[0].endswith("  main.py:1-3")
    assert run("search", "path:main.py print", "--lines", "1").splitlines()[1] == "       level = 3"


def test_json_has_the_definition_and_the_whole_passage(searched):
    run, _ = searched
    [hit] = json.loads(run("search", "kind:method fall", "--json", "--lines", "1"))
    assert (hit["symbol"], hit["kind"], hit["start_line"], hit["end_line"]) == ("Tide.fall", "method", 8, 9)
    assert hit["text"] == "    def fall(self):\n        return self.level - 1"
    assert hit["preview"] == "def fall(self):"
    assert hit["passage"] == {"start_line": 1, "end_line": 9, "text": TIDE.rstrip("\n")}
    assert hit["state"] == ""
    assert {"chunk_id", "path", "language", "commit", "blob", "score", "similarity", "keywords"} <= hit.keys()


def test_a_file_that_was_edited_since_is_said_to_be_and_the_other_is_not(searched):
    run, source = searched
    (source / "sea" / "tide.py").write_text(TIDE + "\n# higher\n")
    assert run("search", "symbol:rise level").splitlines()[0].endswith("  Tide.rise  changed since")
    assert "changed since" not in run("search", "path:main.py print")
    [hit] = json.loads(run("search", "symbol:rise level", "--json"))
    assert hit["state"] == "changed since"
    [citation] = json.loads(run("ask", "symbol:rise level", "--json"))["citations"]
    assert (citation["symbol"], citation["state"]) == ("Tide.rise", "changed since")
    assert run("ask", "symbol:rise level").splitlines()[-1].endswith("  Tide.rise  changed since")


def test_an_answer_to_a_filter_quotes_the_definition_alone(searched):
    run, _ = searched
    [citation] = json.loads(run("ask", "kind:method symbol:fall level", "--json"))["citations"]
    assert (citation["start_line"], citation["end_line"]) == (8, 9)
    assert citation["text"].startswith("    def fall(self):")
