"""What a symbol uses, calls and costs, held against radon and lizard where they can say it."""

import re
import sysconfig
from dataclasses import replace
from pathlib import Path

import lizard
import pytest
from radon.visitors import ComplexityVisitor

from pipelines.syntax.facts import Facts, read_facts
from pipelines.syntax.languages import LANGUAGES, Language, language_named
from pipelines.syntax.symbols import find_symbols

STDLIB = Path(sysconfig.get_path("stdlib"))

PYTHON = '''\
import a.b as c, os.path
from x import (one,  # the first
               two as second)
from y import *

@c.mark(1)
@plain
def f(arg: one = 1, **kw):
    """A docstring that names os."""
    import here
    return kw.second(os=here)

class Box:
    @property
    def get(self):
        def inner():
            return second if here else 2
        return [os.sep for a in b if a and inner()]  # c
'''

JAVASCRIPT = """\
import d, { a as b, c } from 'x'
import * as ns from 'y'
const { r, s: t } = require('z');
function one() { foo?.bar(1); new A.B(d); return { c }; }
function two() { const u = require('u'); return r.ns + t(u); }
class Q { @dec() m(ns) { return ns ?? 1 } }
"""

TYPESCRIPT = """\
import x = require("y");
import type { T, U } from "z";
function f(a: T) { g!(1); return new M<T>(x); }
@D() class K { constructor(@I() p: P) {} @M() m(): void {} }
"""

JAVA = """\
import a.b.C;
import static a.b.D.call;
import a.e.*;
@A @B(1) class X {
  @Override public C get(@P int x) { other.call(1); return new q.E<F>(this.C); }
  void m() { call(1); }
}
"""

GO = """\
package a
import "fmt"
import (
  f "a/b" // for f
  . "c"
  "github.com/x/chi/v5"
)
func (b *B) G(x chi.Router) { fmt.Println(1); x.f(Baz{f: 1}) }
func H() { f.X() }
"""

RUST = """\
use a::b;
use a::{c as d, e::{self, g}, h::*};
#[inline]
fn one() { d(e::x); v.g(); b::<T>(1)?; }
#[cfg(test)]
#[allow(x)]
mod tests {
    use super::g;
    #[test]
    fn t() { assert_eq!(one(1), a::two(2) + (3)); }
}
"""

CPP = """\
#include <vector>
using std::vector;
namespace fs = std::filesystem;
[[nodiscard]] int f() { p->b(1); n::m<T>(2); return new Q(vector<int>()); }
int g() { return fs::size(x); }
"""

CSHARP = """\
using System.IO;
using Y = A.B.C;
class K { [Fact, Foo(1)] int M([X] int p) { a.B(1); a?.H(); F<G>(2); return new D<E>(Y.z); } }
"""

RUBY = """\
require 'a'
class K
  def m
    foo(1); a.b 2
    Z::D.new(3)
  end
end
"""

PHP = """\
<?php
use A\\B;
use A\\{C, D as E};
use function A\\h;
#[Attr(1)] class K { #[Get] function m(#[P] int $B): E { $this->bar(h(1)); Z::baz(); return new \\R\\S($x->C); } }
"""

BRANCHES: dict[str, tuple[str, int]] = {
    "python": ("def f():\n if a and b or c: pass\n elif d: pass\n for i in j: pass\n else: pass\n", 1 + 6),
    "javascript": ("function f() { if (a && b || c) {} for (x of y) {} switch (z) { case 1: default: } }", 1 + 5),
    "typescript": ("function f(): T { do {} while (a ?? b); try {} catch { return a ? b : c } }", 1 + 4),
    "tsx": ("function f(): T { while (a) {} return a && <b/>; }", 1 + 2),
    "java": ("class A { int f() { switch (a) { case 1, 2 -> 1; default -> 2; } return b ? 1 : 2; } }", 1 + 2),
    "go": ("package a\nfunc f() { for { select { case <-a: default: }; if b || c {} } }", 1 + 4),
    "rust": ("fn f() { match a { A if b => 1, B => 2, _ => 3 }; c?; if let D = e {} }", 1 + 5),
    "c": ("int f() { do { switch (a) { case 1: default: ; } } while (b || c); return d ? 1 : 2; }", 1 + 4),
    "cpp": ("int f() { for (auto a : b) try {} catch (...) {} return c and d; }", 1 + 3),
    "csharp": ("class A { int f() { foreach (var a in b) {} return c switch { 1 => 2, _ => d ?? e }; } }", 1 + 3),
    "ruby": ("def f\n a if b\n case c when 1 then 2 end\n d unless e && g\nrescue\n 1\nend", 1 + 5),
    "php": ("<?php function f() { if ($a) {} elseif ($b) {} return match($c) { 1 => 2, default => $d ?: 3 }; }", 1 + 4),
}

# Lizard reads tokens: it takes a wildcard `?` of Java for a decision, and gives closures entries of their own.
LIZARD = {
    "a.go": ("go", "package a\n" + BRANCHES["go"][0].split("\n")[1]),
    "a.java": ("java", "class A {\n int g(int x) { for (;;) { if (x > 1 && x < 3) return x > 2 ? 1 : 2; } }\n}"),
    "a.c": ("c", BRANCHES["c"][0]),
    "a.cpp": ("cpp", "int f(int a) { while (a || a > 1) try { a--; } catch (int b) { return b; }\n return a; }"),
    "a.rs": ("rust", "fn f(a: u8) -> u8 { if a > 1 && a < 3 { match a { 1 => 2, 2 => 3, _ => 4 } } else { a } }"),
    "a.js": ("javascript", BRANCHES["javascript"][0]),
    "a.rb": ("ruby", "def f(a)\n if a && b\n  1\n elsif c\n  2\n end\n while d\n  a\n end\nend\n"),
}


def known(source: str, language: str) -> dict[str, Facts]:
    found = find_symbols(source.encode(), language_named(language))
    own = read_facts(source.encode(), language_named(language), found).symbols
    return {symbol.qualified_name: fact for symbol, fact in zip(found, own, strict=True)}


def radon(source: bytes) -> dict[tuple[str, int], int]:
    """(name, line of its `def`) → complexity, of every function that radon reports, closures included."""
    visitor = ComplexityVisitor.from_code(source.decode())
    classes, todo, found = list(visitor.classes), list(visitor.functions), {}
    while classes:
        owner = classes.pop()
        classes.extend(owner.inner_classes)
        todo.extend(owner.methods)
    while todo:
        function = todo.pop()
        found[function.name, function.lineno] = function.complexity
        todo.extend(function.closures)
    return found


def test_python_imports_are_those_whose_names_a_symbol_uses():
    own = known(PYTHON, "python")
    first, grouped = "import a.b as c, os.path", "from x import (one, two as second)"
    assert own["f"].imports == [first, grouped, "import here"]
    assert own["Box.get"].imports == [first, grouped]
    assert own["Box.get.inner"].imports == [grouped]  # what `f` imports inside itself is not seen here


@pytest.mark.parametrize(
    ("source", "language", "name", "imports"),
    [
        (JAVASCRIPT, "javascript", "one", ["import d, { a as b, c } from 'x'"]),
        (JAVASCRIPT, "javascript", "two", ["const { r, s: t } = require('z');", "const u = require('u');"]),
        (TYPESCRIPT, "typescript", "f", ['import x = require("y");', 'import type { T, U } from "z";']),
        (JAVA, "java", "X.get", ["import a.b.C;"]),
        (JAVA, "java", "X.m", ["import static a.b.D.call;"]),
        (GO, "go", "B.G", ['import "fmt"', 'import "github.com/x/chi/v5"']),
        (GO, "go", "H", ['import f "a/b"']),
        (RUST, "rust", "one", ["use a::b;", "use a::{c as d, e::{self, g}, h::*};"]),
        (CPP, "cpp", "f", ["using std::vector;"]),
        (CPP, "cpp", "g", ["namespace fs = std::filesystem;"]),
        (CSHARP, "csharp", "K.M", ["using Y = A.B.C;"]),
        (RUBY, "ruby", "K.m", []),
        (PHP, "php", "K.m", ["use A\\{C, D as E};", "use function A\\h;"]),
    ],
)
def test_an_import_is_listed_where_a_name_it_binds_is_used(source, language, name, imports):
    assert known(source, language)[name].imports == imports


@pytest.mark.parametrize(
    ("source", "language", "name", "calls"),
    [
        (PYTHON, "python", "f", ["mark", "second"]),
        (PYTHON, "python", "Box", ["inner"]),
        (JAVASCRIPT, "javascript", "one", ["bar", "B"]),
        (TYPESCRIPT, "typescript", "f", ["g", "M"]),
        (JAVA, "java", "X.get", ["call", "E"]),
        (GO, "go", "B.G", ["Println", "f"]),
        (RUST, "rust", "one", ["d", "g", "b"]),
        (RUST, "rust", "tests.t", ["assert_eq", "one", "two"]),
        (CPP, "cpp", "f", ["b", "m", "Q"]),
        (CSHARP, "csharp", "K.M", ["B", "H", "F", "D"]),
        (RUBY, "ruby", "K.m", ["foo", "b", "D"]),
        (PHP, "php", "K.m", ["bar", "h", "baz", "S"]),
    ],
)
def test_calls_are_the_last_names_of_callees_in_order(source, language, name, calls):
    own = known(source, language)[name].calls
    assert [call for call in own if call in calls] == calls
    assert len(set(own)) == len(own)


@pytest.mark.parametrize(
    ("source", "language", "name", "decorators"),
    [
        (PYTHON, "python", "f", ["@c.mark(1)", "@plain"]),
        (PYTHON, "python", "Box", []),
        (PYTHON, "python", "Box.get", ["@property"]),
        (JAVASCRIPT, "javascript", "Q.m", ["@dec()"]),
        (TYPESCRIPT, "typescript", "K", ["@D()"]),
        (TYPESCRIPT, "typescript", "K.constructor", []),
        (TYPESCRIPT, "typescript", "K.m", ["@M()"]),
        (JAVA, "java", "X", ["@A", "@B(1)"]),
        (JAVA, "java", "X.get", ["@Override"]),
        (RUST, "rust", "one", ["#[inline]"]),
        (CPP, "cpp", "f", ["[[nodiscard]]"]),
        (CSHARP, "csharp", "K.M", ["[Fact, Foo(1)]"]),
        (PHP, "php", "K.m", ["#[Get]"]),
    ],
)
def test_decorators_are_those_of_the_symbol_itself_as_written(source, language, name, decorators):
    assert known(source, language)[name].decorators == decorators


def test_a_scope_is_what_encloses_a_symbol():
    own = known(PYTHON, "python")
    assert {name: fact.scope for name, fact in own.items()} == {
        "f": "",
        "Box": "",
        "Box.get": "Box",
        "Box.get.inner": "Box.get",
    }
    assert (known(GO, "go")["B.G"].scope, known(RUST, "rust")["tests.t"].scope) == ("B", "tests")


def test_tokens_are_counted_without_comments_and_documentation():
    bare = "def f(a):\n    return a + 1\n"
    full = 'def f(a):  # adds\n    """Adds one."""\n\n    # to it\n    return a + 1\n'
    assert known(bare, "python")["f"].token_count == known(full, "python")["f"].token_count == 10
    rust = "/// Adds.\n/** More. */\nfn f() { /* one */ g() }\n"
    assert known(rust, "rust")["f"].token_count == len(re.findall(r"\w+|[^\w\s]", "fn f() { g() }"))
    assert known("package a\nfunc f() {\n\tg()\n\n\th()\n}\n", "go")["f"].token_count == 12


@pytest.mark.parametrize("language", BRANCHES)
def test_complexity_is_one_more_than_the_decisions(language):
    source, complexity = BRANCHES[language]
    assert complexity in {fact.complexity for fact in known(source, language).values()}


def test_a_nested_function_counts_its_own_decisions_and_a_class_all():
    own = known(PYTHON, "python")
    assert own["Box.get.inner"].complexity == 1 + 1
    assert own["Box.get"].complexity == 1 + 3
    assert own["Box"].complexity == 1 + 1 + 3


def test_python_complexity_is_what_radon_says():
    same = compared = 0
    for path in sorted(STDLIB.glob("[a-d]*.py")):
        source = path.read_bytes()
        expected = radon(source)
        found = find_symbols(source, language_named("python"))
        for symbol, fact in zip(found, read_facts(source, language_named("python"), found).symbols, strict=True):
            head = re.search(rf"^\s*(?:async\s+)?def\s+{symbol.name}\b", symbol.signature, re.MULTILINE)
            line = symbol.start_line + symbol.signature[: head.end()].count("\n") if head else 0
            if (symbol.name, line) in expected:
                compared += 1
                same += expected[symbol.name, line] == fact.complexity
    assert compared > 1_000
    assert same / compared > 0.98


@pytest.mark.parametrize("path", LIZARD)
def test_complexity_of_other_languages_is_what_lizard_says(path):
    language, source = LIZARD[path]
    (function,) = lizard.analyze_file.analyze_source_code(path, source).function_list
    own = {name.rsplit(".", 1)[-1]: fact for name, fact in known(source, language).items()}
    assert own[function.name.rsplit(":", 1)[-1]].complexity == function.cyclomatic_complexity > 1


def test_a_language_without_facts_queries_gets_neutral_facts():
    bare = Language("bare", (".bare",), "tree_sitter_python:language", (), language_named("python").doc)
    found = find_symbols(b"def f():\n    return g()\n", language_named("python"))
    (own,) = read_facts(b"def f():\n    return g()\n", bare, found).symbols
    assert (own.imports, own.decorators, own.calls, own.complexity) == ([], [], [], 1)
    assert own.token_count > 0


def test_prose_has_no_syntax_tree_and_neutral_facts():
    (symbol,) = find_symbols(b"def Install():\n    pass\n", language_named("python"))
    section = replace(symbol, qualified_name="Guide > Install", code="Install\n\nRun it.")
    (own,) = read_facts(b"", Language("text", (".txt",), "", (), language_named("python").doc), [section]).symbols
    assert own == Facts("Guide", [], [], [], 1, 4)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_broken_and_empty_source_have_facts(language):
    for source in (b"", b"\xef\xbb\xbf", b"import {{{ ( class x @ def if use ::", b"\xff\xfe"):
        found = find_symbols(source, language)
        assert len(read_facts(source, language, found).symbols) == len(found)
