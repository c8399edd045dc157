"""Filters are about definitions, of which a passage may hold several; and a hit names the one that is meant, on both
engines."""

import re

import numpy as np
import pytest
from conftest import ROOT
from test_index import DIMENSION, engine_params, made_project, unit_vectors

from pipelines.config.load import load_params
from pipelines.extraction.parse_file import chunk_records, parse_file
from pipelines.index import OverlayIndex, open_index, publish
from pipelines.index.search.query import parse_query as asked_for
from pipelines.index.store.payload import mark_words
from pipelines.syntax.languages import language_named

DICE = """package dice;

/** Draws numbers. */
class Dice {
    private long seed;

    /** A coin that falls on either side. */
    boolean nextBoolean() {
        return nextInt(2) == 1;
    }

    /** The next number below a bound. */
    int nextInt(int bound) {
        if (bound < 1 || bound > 100) { throw new IllegalArgumentException(); }
        seed = seed * 31 + 7;
        return (int) (seed % bound);
    }
}
"""
SHAPES = '''"""Shapes of the garden."""


class Square:
    side = 1


class Circle(Square):
    """Round beds for roses."""

    def area(self):
        return 3


def circle(radius):
    return Circle()
'''
TESTS = """describe("the pond", () => {
  it("keeps its fish", () => {
    expect(fish()).toBe(3);
  });
});

function fish() {
  return 3;
}
"""
LONG = "def tend(garden):\n" + "".join(f"    garden.water({n})\n" for n in range(120)) + "    garden.prune_hedge()\n"
FILES = {
    "src/Dice.java": ("java", DICE),
    "src/shapes.py": ("python", SHAPES),
    "src/pond.spec.js": ("javascript", TESTS),
    "web/pond.js": ("javascript", TESTS),
    "src/tend.py": ("python", LONG),
}


def passages() -> list[dict]:
    """The chunks of FILES, as extraction makes them."""
    params, made = load_params(ROOT), []
    for path, (language, source) in FILES.items():
        parsed = parse_file(source.encode(), language_named(language), params.extraction, params.cleaning)
        made += chunk_records(parsed, {"path": path, "language": language, "blob": "b" * 40, "commit": "c" * 40})
    return made


@pytest.fixture(params=["edge", "server"])
def garden(request, monkeypatch, tmp_path):
    """The project and its parameters, published, with the name of the version."""
    params, chunks = engine_params(request.param, monkeypatch), passages()
    project = made_project(tmp_path, chunks, unit_vectors(len(chunks)))
    return project, params, publish(project, params).version


def found(garden, text: str, vector: np.ndarray | None = None) -> list:
    project, params, version = garden
    asked = asked_for(text)
    vector = unit_vectors(1)[0] if vector is None else vector
    with open_index(project, params.index, version) as index:
        return index.search(asked.text, vector, 20, asked.scope)


def symbols(hits) -> list[str]:
    return [hit.symbol for hit in hits]


def lines_of(path: str, hit) -> list[str]:
    return FILES[path][1].split("\n")[hit.symbol_start_line - 1 : hit.symbol_end_line]


def test_a_passage_of_several_methods_is_one_passage():
    [dice] = [chunk for chunk in passages() if chunk["path"] == "src/Dice.java"]
    assert [one["symbol"] for one in dice["definitions"]] == ["Dice", "Dice.nextBoolean", "Dice.nextInt"]
    assert [one["complexity"] for one in dice["definitions"]] == [0, 1, 3]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("path:Dice.java kind:method nextBoolean", ["Dice.nextBoolean"]),
        ("path:Dice.java kind:method symbol:nextBoolean number", ["Dice.nextBoolean"]),
        ("path:Dice.java complexity:3 coin", ["Dice.nextInt"]),
        ("path:Dice.java complexity:3 symbol:nextBoolean coin", []),
        ("path:Dice.java complexity:1 symbol:nextBoolean number", ["Dice.nextBoolean"]),
        ("path:Dice.java kind:method -symbol:nextInt number", ["Dice.nextBoolean"]),
        ("path:Dice.java kind:method -complexity:3 number", ["Dice.nextBoolean"]),
        ("path:Dice.java -symbol:dice -symbol:nextInt -symbol:nextBoolean number", []),
        ("path:shapes.py kind:class Square", ["Square"]),
        ("path:shapes.py kind:class Circle", ["Circle"]),
        ("path:shapes.py kind:function circle", ["circle"]),
        ("path:shapes.py kind:method symbol:circle roses", []),
        ("path:shapes.py kind:class symbol:circle radius", ["Circle"]),
        ("path:shapes.py symbol:circle -kind:class roses", ["circle"]),
        ("path:shapes.py symbol:area -kind:method roses", []),
        ("path:shapes.py kind:class -kind:class roses", []),
        ("path:shapes.py kind:test roses", []),
    ],
)
def test_every_filter_is_about_one_definition_and_the_hit_names_it(garden, text, wanted):
    assert symbols(found(garden, text)) == wanted


def test_every_kind_that_a_grammar_query_makes_can_be_asked_for_and_excluded():
    """What `-kind:` leaves is a list of kinds: one that is missing there would be left out with the excluded ones."""
    queries = [file.read_text() for file in (ROOT / "pipelines" / "syntax" / "queries").rglob("*.scm")]
    made = {kind for text in queries for kind in re.findall(r"@definition\.(\w+)", text)}
    assert {"class", "function", "method", "test"} <= made
    assert made <= set(mark_words(None, ["text"]))


def test_a_hit_has_the_lines_of_the_definition_that_it_names(garden):
    [hit] = found(garden, "kind:method nextBoolean lang:java")
    assert lines_of("src/Dice.java", hit)[0] == "    boolean nextBoolean() {"
    assert lines_of("src/Dice.java", hit)[-1] == "    }"
    assert (hit.kind, hit.symbol_start_line, hit.symbol_end_line) == ("method", 8, 10)
    assert hit.text.split("\n")[hit.symbol_start_line - hit.start_line] == "    boolean nextBoolean() {"


def test_without_a_filter_the_words_of_the_question_choose(garden):
    assert symbols(found(garden, "path:src/Dice.java next boolean")) == ["Dice.nextBoolean"]
    assert symbols(found(garden, "path:src/Dice.java IllegalArgumentException below")) == ["Dice.nextInt"]
    assert symbols(found(garden, "path:src/Dice.java who wrote this")) == ["Dice"]


def test_excluding_tests_leaves_the_helper_beside_them_and_no_file_of_tests(garden):
    hits = found(garden, "-kind:test lang:javascript fish")
    assert [(hit.path, hit.symbol, hit.kind) for hit in hits] == [("web/pond.js", "fish", "function")]
    tests = found(garden, "kind:test lang:javascript keeps its fish")
    assert {hit.path for hit in tests} == {"web/pond.js", "src/pond.spec.js"}
    assert {(hit.symbol, hit.kind) for hit in tests if hit.path == "web/pond.js"} == {
        ("the pond.keeps its fish", "test")
    }


def test_of_a_function_that_is_cut_a_later_piece_names_the_lines_that_it_holds(garden):
    hits = [hit for hit in found(garden, "kind:function symbol:tend hedge") if "prune_hedge" in hit.text]
    assert {hit.symbol for hit in hits} == {"tend"}
    assert all(hit.symbol_start_line == hit.start_line > 1 for hit in hits)
    assert all("prune_hedge" in lines_of("src/tend.py", hit)[-1] for hit in hits)


def test_what_is_watched_knows_the_definitions_of_the_lines_that_were_saved(garden):
    project, params, version = garden
    chunks = [chunk for chunk in passages() if chunk["path"] == "src/shapes.py"]
    lower = [
        {**chunk, "start_line": chunk["start_line"] + 5, "definitions": [_lower(one) for one in chunk["definitions"]]}
        for chunk in chunks
    ]
    vectors = unit_vectors(len(chunks)).reshape(-1, DIMENSION)
    asked = asked_for("kind:class path:src/shapes.py Circle")
    with OverlayIndex.of(project, params.index, version) as changing:
        before = changing.search(asked.text, vectors[0], 1, asked.scope)[0]
        changing.replace(["src/shapes.py"], lower, vectors)
        after = changing.search(asked.text, vectors[0], 1, asked.scope)[0]
    assert (before.symbol, after.symbol) == ("Circle", "Circle")
    assert after.symbol_start_line == before.symbol_start_line + 5


def _lower(definition: dict) -> dict:
    return {**definition, "start_line": definition["start_line"] + 5, "end_line": definition["end_line"] + 5}
