"""What a symbol calls is found by its imports first; what a test is about, by its name."""

import pytest

from pipelines.dataset.call_resolution import (
    ELSEWHERE,
    FOLDER_IMPORTED,
    IMPORTED,
    SAME_FILE,
    SAME_PACKAGE,
    CallResolver,
)
from pipelines.dataset.recipes.tests import is_in_tests, is_test, map_tests, subject_of


def symbol(name, path="a/here.py", kind="function", **fields):
    scope, _, bare = name.rpartition(".")
    language = {"py": "python", "go": "go", "java": "java", "rs": "rust", "rb": "ruby", "ts": "typescript"}[
        path.rpartition(".")[2]
    ]
    known = {"name": bare, "qualified_name": name, "scope": scope, "path": path, "kind": kind, "language": language}
    return {**known, "imports": [], "calls": [], "decorators": [], "start_byte": 0, "end_byte": 9, **fields}


def called(caller, *others, may_show=lambda path, other: True, farthest=ELSEWHERE):
    return [(how, one["path"]) for how, one in CallResolver(others).of(caller, may_show, farthest)]


@pytest.mark.parametrize(
    ("path", "other", "statement", "how"),
    [
        ("a/here.py", "b/loader.py", "from b.loader import load", IMPORTED),
        ("a/here.py", "b/loader.py", "from b import loader", IMPORTED),
        ("a/here.py", "b/loader.py", "from b import load", IMPORTED),
        ("a/here.py", "b/__init__.py", "import b", IMPORTED),
        ("a/here.py", "b/loader.py", "import b", FOLDER_IMPORTED),
        ("a/here.py", "a/here.py", "import b", SAME_FILE),
        ("a/here.py", "a/other.py", "import b", SAME_PACKAGE),
        ("a/here.py", "c/other.py", "import b", ELSEWHERE),
        ("a/here.ts", "b/loader.ts", 'import { load } from "../b/loader"', IMPORTED),
        ("a/here.go", "b/any.go", '"example.org/x/b"', IMPORTED),
        ("src/test/java/shop/CartTest.java", "src/main/java/shop/Cart.java", "import org.junit.Test;", SAME_PACKAGE),
        ("src/lib.rs", "src/walk.rs", "use crate::walk::load;", IMPORTED),
    ],
)
def test_how_near_a_definition_is(path, other, statement, how):
    caller = symbol("caller", path, calls=["load"], imports=[statement])
    assert called(caller, symbol("load", other, start_byte=20, end_byte=29)) == [(how, other)]


def test_the_imported_definition_wins_over_those_of_the_same_name():
    caller = symbol("caller", calls=["load"], imports=["from b.loader import load"])
    others = [symbol("load", path) for path in ("c/x.py", "a/y.py", "b/loader.py")]
    assert called(caller, *others) == [(IMPORTED, "b/loader.py")]


def test_a_name_of_many_equally_near_definitions_is_left_out():
    caller = symbol("caller", calls=["load"])
    others = [symbol("load", f"a/x{number}.py") for number in range(4)]
    assert len(called(caller, *others[:3])) == 3
    assert called(caller, *others) == []
    assert called(caller, symbol("load", "c/x.py"), symbol("load", "d/x.py")) == []


def test_what_lies_inside_bears_the_same_name_or_may_not_be_shown_is_no_dependency():
    caller = symbol("caller", calls=["load", "caller"], start_byte=0, end_byte=100)
    assert called(caller, symbol("caller.load", caller["path"], start_byte=10, end_byte=20)) == []
    assert called(caller, symbol("Other.caller", "a/other.py")) == []
    other = symbol("load", "a/held.py")
    assert called(caller, other)
    assert called(caller, other, may_show=lambda path, shown: shown != "a/held.py") == []


def test_absent_facts_are_an_error_and_not_silently_empty():
    bare = symbol("caller")
    del bare["calls"]
    with pytest.raises(KeyError, match="calls"):
        called(bare)


@pytest.mark.parametrize(
    ("test", "subject", "other"),
    [
        (symbol("test_parse_header_twice"), symbol("parse_header"), symbol("parse")),
        (symbol("ParserTest.testHeader", "a/ParserTest.java"), symbol("Parser.header"), symbol("Writer.header")),
        (symbol("ParserTest.testAll", "a/ParserTest.java"), symbol("Parser", kind="class"), symbol("all_of")),
        (symbol("TestHeader", "a/header_test.go"), symbol("Header"), symbol("Head")),
        (symbol("parses a header", "a/parse.test.ts", "test"), symbol("header"), symbol("footer")),
        (symbol("test_a_span_is_cut", "tests/test_spans.py"), symbol("span"), symbol("cut_off")),
    ],
)
def test_the_name_of_a_test_points_to_what_it_is_about(test, subject, other):
    assert map_tests(test, subject) > map_tests(test, other)


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (symbol("test_it", "tests/test_a.py"), True),
        (symbol("project", "tests/test_a.py", decorators=["@pytest.fixture"]), False),
        (symbol("TestAll", "tests/test_a.py", kind="class"), False),
        (symbol("test_it", "src/a.py"), False),
        (symbol("CartTest.adds", "src/test/java/CartTest.java", decorators=["@Test"]), True),
        (symbol("testRequest", "mux_test.go"), False),
        (symbol("TestMux", "mux_test.go"), True),
        (symbol("tests.adds", "src/lib.rs", decorators=["#[test]"]), True),
        (symbol("tests.helper", "src/lib.rs"), False),
        (symbol("adds one", "web/cart.spec.ts", "test"), True),
        (symbol("reset", "web/cart.spec.ts"), False),
    ],
)
def test_what_is_a_test(definition, expected):
    assert is_test(definition) == expected
    assert is_in_tests(definition) == (definition["path"] != "src/a.py")


def about(test, *others):
    found = subject_of(test, CallResolver(others), lambda path, other: True)
    return found and found["qualified_name"]


def test_a_test_is_about_the_class_that_its_group_names_when_it_calls_nothing_that_is_known():
    test = symbol("Store.Box.is heavy", "spec/box_spec.rb", "test", calls=["expect"], scope="Store.Box")
    box = symbol("Box", "lib/store/crate.rb", "class")
    assert about(test, box, symbol("Lid", "lib/store/lid.rb", "class")) == "Box"
    assert about(test, box, symbol("Box", "lib/other/crate.rb", "class")) is None


def test_a_test_whose_name_says_nothing_is_about_the_only_thing_it_calls():
    test = symbol("works", "a/x.test.ts", "test", calls=["load", "expect"])
    load = symbol("load", "a/loader.ts")
    assert about(test, load) == "load"
    many = [symbol("expect", f"b{number}/x.ts") for number in range(4)]
    assert about(test, load, *many) is None
