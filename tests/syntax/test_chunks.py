"""Chunks cover the source, end where the syntax does, and overlap only where one definition had to be cut."""

import sysconfig
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines.syntax.chunks import Chunk, split_chunks
from pipelines.syntax.languages import language_named, language_of
from pipelines.syntax.symbols import find_symbols

MAX, OVERLAP = 600, 120
STDLIB = Path(sysconfig.get_path("stdlib"))
REAL = ["textwrap.py", "heapq.py", "json/encoder.py", "dataclasses.py", "this.py", "keyword.py"]


def cut(source: str, language: str = "python", limit: int = MAX, overlap: int = OVERLAP) -> list[Chunk]:
    return split_chunks(source.encode(), language_named(language), limit, overlap)


def assert_sound(source: bytes, made: list[Chunk], limit: int, overlap: int) -> None:
    covered: set[int] = set()
    for chunk in made:
        assert source[chunk.start_byte : chunk.end_byte].decode() == chunk.text
        assert len(chunk.text) <= limit or chunk.start_line == chunk.end_line
        assert chunk.text.strip()
        assert chunk.start_line + chunk.text.count("\n") == chunk.end_line
        covered.update(range(chunk.start_line, chunk.end_line + 1))
    blank = {number for number, line in enumerate(source.split(b"\n"), 1) if not line.strip()}
    assert set(range(1, source.count(b"\n") + 2)) - blank <= covered
    for before, after in pairwise(made):
        if after.start_line <= before.end_line:
            assert (before.symbol, before.kind) == (after.symbol, after.kind)
            assert before.end_byte - after.start_byte <= overlap * 4


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_covered(name):
    source = (STDLIB / name).read_bytes()
    assert_sound(source, split_chunks(source, language_named("python"), MAX, OVERLAP), MAX, OVERLAP)


@pytest.mark.parametrize("path", sorted(Path(__file__).parents[2].glob("pipelines/**/*.py"))[:20], ids=lambda p: p.name)
def test_this_project_is_covered(path):
    source, language = path.read_bytes(), language_of(path.name)
    assert language is not None
    assert_sound(source, split_chunks(source, language, MAX, OVERLAP), MAX, OVERLAP)


def test_small_neighbours_share_a_chunk():
    source = "import a\n\n\ndef f():\n    return 1\n\n\ndef g():\n    return 22\n"
    (only,) = cut(source)
    assert only.text == source.rstrip()
    assert only.symbol == "g"
    assert only.defines == ("f", "g")


def test_only_a_definition_that_is_too_large_is_cut_and_overlaps():
    small = "def small():\n    return 1\n\n\n"
    large = "def large():\n" + "".join(f"    value_{i} = {i}\n" for i in range(100)) + "\n\n"
    made = cut(small * 40 + large + small)
    pieces = [chunk for chunk in made if chunk.symbol == "large"]
    assert len(pieces) > 2
    assert [chunk.defines for chunk in pieces] == [("large",)] + [()] * (len(pieces) - 1)
    for before, after in pairwise(pieces):
        assert 0 < before.end_line - after.start_line + 1 <= 8
    others = [chunk for chunk in made if chunk.symbol != "large"]
    assert len(others) > 1
    assert all(before.end_line < after.start_line for before, after in pairwise(others))


def test_no_overlap_is_made_when_none_is_asked_for():
    large = "def large():\n" + "".join(f"    value_{i} = {i}\n" for i in range(100))
    made = cut(large, overlap=0)
    assert len(made) > 1
    assert all(before.end_line + 1 == after.start_line for before, after in pairwise(made))


def test_a_large_class_gives_its_header_and_its_methods():
    method = "    # about it\n    @wraps\n    def m{0}(self):\n" + "        self.x = 1\n" * 28 + "\n"
    source = 'class Box:\n    """Holds."""\n\n    limit = 3\n\n' + "".join(method.format(i) for i in range(4))
    made = cut(source)
    assert [chunk.symbol for chunk in made] == ["Box", "Box.m0", "Box.m1", "Box.m2", "Box.m3"]
    assert [chunk.defines for chunk in made] == [(chunk.symbol,) for chunk in made]
    assert made[0].text.endswith("limit = 3")
    assert all(chunk.text.startswith("    # about it") for chunk in made[1:])
    assert all(before.end_line < after.start_line for before, after in pairwise(made))


def test_a_closing_bracket_is_no_chunk():
    method = "  m{0}() {{\n" + "    this.x = 1;\n" * 30 + "  }}\n"
    source = "/** Holds. */\nclass Box {\n" + "".join(method.format(i) for i in range(3)) + "}\n"
    made = cut(source, "javascript")
    assert made[-1].symbol == "Box.m2"
    assert made[-1].text.endswith("}\n}")


def test_documentation_stays_with_its_definition():
    function = "/**\n * Says {0}.\n */\n" + "function f{0}() {{\n" + "  go();\n" * 60 + "}}\n\n"
    made = cut("".join(function.format(i) for i in range(4)), "typescript")
    assert [chunk.symbol for chunk in made] == ["f0", "f1", "f2", "f3"]
    assert all(chunk.text.startswith("/**") for chunk in made)


def test_statements_between_definitions_are_cut_at_statements():
    source = "".join(f"name_{i} = {{\n    'key': {i},\n}}\n" for i in range(100))
    made = cut(source)
    assert all(chunk.text.startswith("name_") and chunk.text.endswith("}") for chunk in made)
    assert {(chunk.kind, chunk.symbol) for chunk in made} == {("text", "")}


def test_a_line_longer_than_the_limit_stays_whole():
    source = "x = 1\ny = '" + "a" * 2_000 + "'\nz = 2\n"
    assert [len(chunk.text) > MAX for chunk in cut(source)] == [False, True, False]


@pytest.mark.parametrize("source", ["", "\n\n  \n", "x", "\ufeffx = 1\r\n\r\ndef f():\r\n    pass\r\n"])
def test_odd_files_are_covered(source):
    made = cut(source)
    assert_sound(source.encode(), made, MAX, OVERLAP)
    assert bool(made) == bool(source.strip())


def test_broken_and_deeply_nested_source_is_covered():
    broken = "def a(:\n  ]]]\n" * 50 + "def good():\n    return 1\n"
    deep = "".join(" " * depth + f"def f{depth}():\n" for depth in range(300)) + " " * 300 + "pass\n"
    for source in (broken, deep):
        assert_sound(source.encode(), cut(source), MAX, OVERLAP)
    assert find_symbols(deep.encode(), language_named("python"))
