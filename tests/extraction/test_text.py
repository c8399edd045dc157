"""Text that no parser reads is cut at its structure, cleaned and searched like all else; large data stays out."""

import pytest
from conftest import ROOT
from test_extraction import lines, night, skipped

from pipelines.config.load import load_params
from pipelines.extraction.parse_file import parse_file
from pipelines.project import Project
from pipelines.records import Record
from pipelines.syntax.languages import language_of

PARAMS = load_params(ROOT)
TEXTS = {
    ".env": ("ini", "HARBOUR_DEPTH=12\n"),
    "Dockerfile": ("dockerfile", "FROM debian:13\nRUN make harbour\n"),
    "LICENSE": ("text", "Do as you like.\n"),
    "Makefile": ("make", "harbour:\n\tcc harbour.c\n"),
    "app.proto": ("proto", "message Ship {\n  string name = 1;\n}\n"),
    "app.sql": ("sql", "CREATE TABLE ship (name TEXT);\n"),
    "build.sh": ("shell", "moor() {\n  echo moored\n}\n"),
    "data.csv": ("csv", "ship,draught\nalba,3\n"),
    "data.json": ("json", '{"ship": "alba"}\n'),
    "index.html": ("html", "<p>Harbour</p>\n"),
    "main.tf": ("terraform", 'resource "quay" "north" {\n  depth = 12\n}\n'),
    "notes.unheard": ("text", "The tide is late.\n"),
    "pom.xml": ("xml", "<project>harbour</project>\n"),
    "schema.graphql": ("graphql", "type Ship {\n  name: String\n}\n"),
    "settings.toml": ("toml", "[harbour]\ndepth = 12\n"),
    "style.css": ("css", ".quay { color: red; }\n"),
    "work.yml": ("yaml", "on: push\n"),
    "Ship.kt": ("kotlin", "fun moor() = 1\n"),
}


def passages(path: str, text: str, chars: int = 200) -> list[Record]:
    """The passages of a file, cut after at most so many characters."""
    language = language_of(path)
    assert language is not None
    params = PARAMS.extraction.model_copy(update={"chunk_chars": chars, "overlap_chars": 0})
    return parse_file(text.encode(), language, params, PARAMS.cleaning)["chunks"]


def firsts(path: str, text: str, chars: int = 200) -> list[str]:
    """The first line of each passage."""
    return [chunk["text"].split("\n")[0] for chunk in passages(path, text, chars)]


def test_text_of_every_kind_is_a_passage_under_its_own_language_and_no_symbol(repository, tmp_path):
    project = Project("demo", repository({path: text for path, (_, text) in TEXTS.items()}), tmp_path / "workspace")
    facts = night(project)
    found = {chunk["path"]: (chunk["language"], f"{chunk['text']}\n") for chunk in lines(project, "chunks")}
    assert found == TEXTS
    assert {chunk["kind"] for chunk in lines(project, "chunks")} == {"text"}
    assert lines(project, "symbols") == lines(project, "skipped") == []
    assert [file["spans"] for file in lines(project, "files")] == [[]] * len(TEXTS)
    assert facts["as_text"].startswith("text 2, css 1")


@pytest.mark.parametrize(
    ("path", "block"),
    [
        ("a.yaml", "# About key {n}.\nkey{n}:\n  - {words}\n"),
        ("a.toml", "# About table {n}.\n[table{n}]\nname = '{words}'\n"),
        ("a.sql", "-- About table {n}.\nCREATE TABLE t{n} (\n\n  a TEXT -- {words}\n);\n"),
        ("a.sh", "# About task {n}.\ntask{n}() {{\n\n  echo {words}\n}}\n"),
        ("a.tf", '# About quay {n}.\nresource "quay" "q{n}" {{\n\n  name = "{words}"\n}}\n'),
        ("a.proto", "// About ship {n}.\nmessage Ship{n} {{\n\n  string a = 1; // {words}\n}}\n"),
        ("a.graphql", "# About ship {n}.\ntype Ship{n} {{\n\n  name: String # {words}\n}}\n"),
        ("Makefile", "# About goal {n}.\ngoal{n}: ship\n\techo {words}\n"),
        ("Dockerfile", "# About stage {n}.\nFROM debian AS stage{n}\n\nRUN echo {words}\n"),
        ("a.css", "/* About rule {n}. */\n.rule{n} {{\n\n  content: '{words}';\n}}\n"),
        ("a.unheard", "About {n}.\nThe rest of it: {words}.\n\n"),
    ],
)
def test_text_is_cut_at_its_structure_and_a_comment_stays_with_what_it_is_about(path, block):
    text = "".join(block.format(n=n, words="ebb and flow " * 7) for n in range(6))
    found = firsts(path, text)
    assert found == [block.split("\n")[0].format(n=n) for n in range(6)]


def test_every_line_of_a_long_text_is_in_a_passage_that_fits():
    text = "jobs:\n" + "".join(f"  step{n}: run the harbour {n}\n" + "\n" * (n % 9 == 0) for n in range(120))
    found = passages("ci.yaml", text)
    rows = text.split("\n")
    assert max(len(chunk["text"]) for chunk in found) <= 200
    for chunk in found:
        assert "\n".join(rows[chunk["start_line"] - 1 : chunk["end_line"]]) == chunk["text"]
    covered = {line for chunk in found for line in range(chunk["start_line"], chunk["end_line"] + 1)}
    assert {number for number, row in enumerate(rows, start=1) if row} <= covered


def test_data_is_read_up_to_a_size_and_listed_beyond_it(repository, tmp_path):
    files = {
        "small.csv": "ship,draught\n" + "alba-of-the-northern-quay,3\n" * 90,
        "large.csv": "ship,draught\n" + "alba,3\n" * 200,
        "large.json": "[\n" + "1,\n" * 600 + "2]\n",
        "large.svg": "<svg>\n" + "<g/>\n" * 600 + "</svg>\n",
        "some.lock": "alba = 1\n" * 200,
        "long.sql": "SELECT 1;\n" * 200,
    }
    project = Project("demo", repository(files), tmp_path / "workspace")
    night(project, max_data_kb=1)
    assert skipped(project) == {
        "large.csv": "data: 1,413 bytes of csv are more than extraction.max_data_kb = 1",
        "large.json": "data: 1,805 bytes of json are more than extraction.max_data_kb = 1",
        "large.svg": "data: 3,013 bytes of svg are more than extraction.max_data_kb = 1",
        "small.csv": "data: 2,533 bytes of csv are more than extraction.max_data_kb = 1",
        "some.lock": "data: 1,800 bytes of lock are more than extraction.max_data_kb = 1",
    }
    night(project, max_data_kb=64)
    assert skipped(project) == {}


def test_a_paragraph_on_one_line_is_no_minified_text(repository, tmp_path):
    prose = "\n\n".join(f"Paragraph {n}. " + "The tide waits for nobody who is late. " * 20 for n in range(9))
    files = {"a.md": f"# Tide\n\n{prose}\n", "b.txt": f"{prose}\n", "c.py": "x = [" + "1, " * 1_600 + "]\n"}
    project = Project("demo", repository(files), tmp_path / "workspace")
    night(project)
    assert list(skipped(project)) == ["c.py"]


@pytest.mark.parametrize("path", ["a.yaml", ".env", "a.sh", "Dockerfile", "a.unheard", "a.tf", "a.sql", "a.json"])
def test_secrets_and_personal_data_are_redacted_in_text_too(path):
    key = "AKIA" + "Q3EGRZT7WK4YVN2M"
    text = f"region: north\naws_key = '{key}'\nowner: ada.lovelace@harbour-office.org\n"
    (chunk,) = passages(path, text)
    assert key not in chunk["text"]
    assert "ada.lovelace" not in chunk["text"]
    assert chunk["text"].startswith("region: north\n")


@pytest.mark.parametrize("path", ["a.yaml", ".env", "a.sh", "a.unheard", "a.properties"])
def test_a_password_without_quotes_is_redacted_in_text(path):
    mark = ": " if path == "a.yaml" else "="
    (chunk,) = passages(path, f"region{mark}north\ndb_password{mark}xK9fQ2vL7pR4\nBROKER_PASS{mark}qW7xTz9Lk2Vb\n")
    assert "xK9fQ2vL7pR4" not in chunk["text"]
    assert "qW7xTz9Lk2Vb" not in chunk["text"]
