"""Symbols are what the language's own parser sees, and reproduce the source."""

import ast
import sysconfig
import warnings
from pathlib import Path

import pytest

from pipelines.syntax.languages import LANGUAGES, language_named, language_of
from pipelines.syntax.parser import is_valid
from pipelines.syntax.symbols import MAX_DEPTH, find_symbols
from pipelines.syntax.types import Symbol

STDLIB = Path(sysconfig.get_path("stdlib"))
# tree-sitter-python 0.25 rejects a line feed after the dot of `(bar.\n baz)`, which this file tests.
GRAMMAR_GAPS = {"test/test_compile.py"}

PYTHON = '''\
@decorator(
    1
)
async def fetch(url: str, *, retries: int = 3) -> bytes:  # noqa
    """Fetch it.

    Twice if need be.
    """

    # first try
    return b""


class Box(Base):
    """Holds things."""

    def put(self, x): "Put it."; self.x = x

    def empty(self):
        def inner():
            return 1
        return inner

    def only_documented(self):
        """Nothing else."""

def no_doc():
    f"""not a docstring"""
'''

TYPESCRIPT = """\
/** @fileoverview Not about anything below. */

/**
 * Adds two numbers.
 * @param a one
 */
// eslint-disable-next-line
export const add = (a: number, b: number): number => {
  return a + b;
};

/** A shape. */
@Component({})
export abstract class Shape<T> extends Base implements Drawable {
  /** How large. */
  abstract area(): number;
  @Input() handler = (e: Event) => { this.e = e; };
  constructor(private name: string) { super(); }
}
export interface Drawable { draw(x: number): void; }
enum Colour { Red }
namespace inner { export function deep() {} }
const table = { first() { return 1; } };
export function* steps() { yield 1; }
// a plain comment is no documentation
function plain() {}
"""

JAVA = """\
package a;

/**
 * A box.
 *
 * <p>Of things.
 */
@Deprecated
public class Box<T> {
    /** Makes one. */
    Box(int size) { this.size = size; }
    @Override public T get() throws E { return x; }
    enum Kind { A { void f() {} }; }
    record Pair(int a, int b) { }
    interface Lid { void open(); }
}
"""

GO = """\
package a

// Box holds a thing.
//
//go:generate stringer
type Box[T any] struct {
\tx int // trailing
}

type (
\t// Lid closes.
\tLid interface{ Close() error }
)

// Get gives it.
func (b *Box[T]) Get(i int) (T, error) { return b.x, nil }

func free() {}
"""

RUST = """\
//! The crate.

/// A box.
///
/// Of things.
#[derive(Debug)]
pub struct Box<T> { x: T }

impl<T> Lid for inner::Box<T> {
    /** Gets it. */
    fn get(&self) -> &T { &self.x }
}
trait Lid { fn close(&self); fn open(&self) {} }
enum Kind { A }
mod deep { pub fn f() {} }
//// four slashes are no documentation
fn free() {}
"""


def found(source: str, language: str) -> dict[str, Symbol]:
    return {symbol.qualified_name: symbol for symbol in find_symbols(source.encode(), language_named(language))}


def sample() -> list[Path]:
    chosen = sorted(STDLIB.glob("*.py")) + sorted((STDLIB / "asyncio").glob("*.py"))
    return [path for path in chosen if path.stat().st_size < 60_000][:120]


def from_ast(source: bytes) -> list[tuple]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    wanted = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [node for node in ast.walk(tree) if isinstance(node, wanted)]
    first = {node: min([node.lineno, *(mark.lineno for mark in node.decorator_list)]) for node in nodes}
    return sorted((first[n], n.name, isinstance(n, ast.ClassDef), ast.get_docstring(n) or "") for n in nodes)


def test_python_symbols_are_exactly_those_of_ast():
    compared = 0
    for path in sample():
        source = path.read_bytes()
        ours = sorted(
            (s.start_line, s.name, s.kind == "class", s.doc) for s in find_symbols(source, language_named("python"))
        )
        assert ours == from_ast(source), path
        compared += len(ours)
    assert compared > 3_000


@pytest.mark.parametrize("name", sorted(GRAMMAR_GAPS))
def test_a_gap_of_the_grammar_loses_few_definitions(name):
    path = STDLIB / name
    if not path.exists():
        pytest.skip("this Python has no test suite")
    source = path.read_bytes()
    assert len(find_symbols(source, language_named("python"))) >= len(from_ast(source)) - 3


def test_ranges_reproduce_the_source():
    symbols_seen = 0
    for path in sample()[:40]:
        source = path.read_bytes()
        for symbol in find_symbols(source, language_named("python")):
            symbols_seen += 1
            whole = source[symbol.start_byte : symbol.end_byte].decode()
            assert source[symbol.body_start_byte : symbol.body_end_byte].decode() == symbol.body
            assert whole.startswith(symbol.signature)
            assert source[: symbol.start_byte].count(b"\n") + 1 == symbol.start_line
            assert symbol.start_line + whole.count("\n") == symbol.end_line
            assert symbol.code == whole or symbol.doc_range
    assert symbols_seen > 500


def test_python_parts():
    box = found(PYTHON, "python")
    assert list(box) == [
        "fetch",
        "Box",
        "Box.put",
        "Box.empty",
        "Box.empty.inner",
        "Box.only_documented",
        "no_doc",
    ]
    fetch = box["fetch"]
    header = "@decorator(\n    1\n)\nasync def fetch(url: str, *, retries: int = 3) -> bytes:"
    assert fetch.signature == header
    assert fetch.doc == "Fetch it.\n\nTwice if need be."
    assert fetch.body == '    # first try\n    return b""'
    assert fetch.code.startswith(header)
    assert "Fetch it" not in fetch.code
    assert (fetch.start_line, fetch.end_line) == (1, 11)
    assert box["Box.put"].doc == "Put it."
    assert box["Box.put"].body == "self.x = x"
    assert box["Box.only_documented"].body == ""
    assert box["no_doc"].doc == ""
    assert [s.kind for s in box.values()] == ["function", "class", "method", "method", "function", "method", "function"]


@pytest.mark.parametrize("language", ["typescript", "tsx"])
def test_typescript_parts(language):
    box = found(TYPESCRIPT, language)
    assert box["add"].doc == "Adds two numbers.\n@param a one"
    assert box["add"].signature == "export const add = (a: number, b: number): number =>"
    assert box["add"].body == "{\n  return a + b;\n}"
    assert box["add"].code.endswith("};")
    assert box["Shape"].doc == "A shape."
    assert box["Shape"].signature.startswith("@Component({})\nexport abstract class Shape<T>")
    assert (box["Shape.area"].doc, box["Shape.area"].body) == ("How large.", "")
    assert box["Shape.handler"].kind == box["Shape.constructor"].kind == "method"
    assert box["Drawable"].kind == box["Colour"].kind == "class"
    assert {"Drawable.draw", "inner.deep", "table.first", "steps"} <= set(box)
    assert box["plain"].doc == ""


def test_javascript_parts():
    source = """\
/** Doubles. */
module.exports.double = function (x) { return 2 * x; };
/** A class. */
export default class A extends B { #secret = () => 1; static async load() { return 1; } get x() { return 2; } }
/** detached */

var old = function () { return 1; };
const Inline = class { go() {} };
call(() => 1, function named() {});
"""
    box = found(source, "javascript")
    assert set(box) == {"double", "A", "A.#secret", "A.load", "A.x", "old", "Inline", "Inline.go"}
    assert (box["double"].doc, box["A"].doc, box["old"].doc) == ("Doubles.", "A class.", "")
    assert box["A.load"].signature == "static async load()"


def test_java_parts():
    box = found(JAVA, "java")
    assert box["Box"].doc == "A box.\n\n<p>Of things."
    assert box["Box"].signature == "@Deprecated\npublic class Box<T>"
    assert (box["Box.Box"].doc, box["Box.Box"].body) == ("Makes one.", "{ this.size = size; }")
    assert box["Box.get"].signature == "@Override public T get() throws E"
    assert {"Box.Kind", "Box.Kind.A.f", "Box.Pair", "Box.Lid", "Box.Lid.open"} <= set(box)
    assert box["Box.Lid.open"].body == ""


def test_go_parts():
    box = found(GO, "go")
    assert set(box) == {"Box", "Lid", "Lid.Close", "Box.Get", "free"}
    assert box["Box"].doc == "Box holds a thing."
    assert box["Box"].signature == "type Box[T any] struct"
    assert box["Box"].body == "{\n\tx int // trailing\n}"
    assert box["Lid"].doc == "Lid closes."
    assert box["Box.Get"].kind == "method"
    assert box["Box.Get"].signature == "func (b *Box[T]) Get(i int) (T, error)"
    assert box["free"].doc == ""


def test_rust_parts():
    box = found(RUST, "rust")
    assert set(box) == {"Box", "Box.get", "Lid", "Lid.close", "Lid.open", "Kind", "deep.f", "free"}
    assert box["Box"].doc == "A box.\n\nOf things."
    assert box["Box"].signature == "#[derive(Debug)]\npub struct Box<T>"
    assert (box["Box.get"].doc, box["Box.get"].kind) == ("Gets it.", "method")
    assert (box["deep.f"].kind, box["Lid.open"].kind, box["free"].doc) == ("function", "method", "")


def test_documentation_is_no_part_of_the_code():
    for source, language in [(PYTHON, "python"), (TYPESCRIPT, "tsx"), (JAVA, "java"), (GO, "go"), (RUST, "rust")]:
        documented = [symbol for symbol in find_symbols(source.encode(), language_named(language)) if symbol.doc]
        functions = [symbol for symbol in documented if symbol.kind != "class"]
        assert functions, language
        for symbol in functions:
            assert symbol.doc.splitlines()[0] not in symbol.code


def test_windows_line_ends_and_a_byte_order_mark_are_kept():
    source = ("\ufeff" + PYTHON.replace("\n", "\r\n")).encode()
    fetch = find_symbols(source, language_named("python"))[0]
    assert fetch.doc == "Fetch it.\n\nTwice if need be."
    assert fetch.body == '    # first try\r\n    return b""'


def test_good_definitions_of_broken_source_are_found():
    broken = "def good():\n    '''Yes.'''\n    return 1\n\ndef bad(:\n    pass\n"
    assert "good" in found(broken, "python")
    assert not is_valid(broken.encode(), language_named("python"))
    assert is_valid(b"x = 1\n", language_named("python"))


def test_source_nested_without_end_is_survived():
    deep = "def f():\n" + "".join(" " * depth + "def f():\n" for depth in range(1, 400)) + " " * 400 + "pass\n"
    assert len(find_symbols(deep.encode(), language_named("python"))) == MAX_DEPTH
    brackets = b"x = " + b"(" * 50_000 + b")" * 50_000
    assert find_symbols(brackets, language_named("python")) == []


def test_every_language_has_queries_that_compile():
    for language in LANGUAGES:
        assert find_symbols(b"", language) == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b.PY", "python"),
        ("x.d.ts", "typescript"),
        ("x.mjs", "javascript"),
        ("a.b/Makefile", "make"),
        ("a.png", None),
    ],
)
def test_a_language_is_told_by_the_ending(path, name):
    language = language_of(path)
    assert (language.name if language else None) == name
