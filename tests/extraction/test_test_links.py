"""A symbol is tested when a test calls it and either imports it or lies in its package."""

import pytest

from pipelines.extraction.test_links import TestLinks, called_names, is_test
from pipelines.records import Record
from pipelines.syntax.facts import read_facts
from pipelines.syntax.languages import language_of
from pipelines.syntax.symbols import find_symbols

CORE = """\
def parse(x):
    return x

class Box:
    def __init__(self):
        pass
    def put(self):
        pass
"""


def told(path: str, source: str) -> Record:
    language = language_of(path)
    found = find_symbols(source.encode(), language)
    return called_names(found, read_facts(source.encode(), language, found))


def exercised(files: dict[str, str]) -> set[str]:
    """Path and qualified name of what the tests among these files exercise."""
    tests = TestLinks()
    known = {path: told(path, source) for path, source in files.items()}
    for path, record in known.items():
        tests.add(path, record)
    return {
        f"{path}:{scope}.{name}".replace(":.", ":")
        for path, record in known.items()
        for (_, name, scope, _), covered in zip(record["symbols"], tests.cover(path, record), strict=True)
        if covered
    }


@pytest.mark.parametrize(
    "path",
    [
        "tests/a.py",
        "pkg/test_a.py",
        "pkg/a_test.go",
        "web/a.spec.ts",
        "web/__tests__/a.js",
        "src/test/java/ATest.java",
        "spec/a_spec.rb",
        "A.Tests/B.cs",
        "src/TestParser.php",
        "conftest.py",
    ],
)
def test_a_test_is_known_by_its_path(path):
    assert is_test(path)


@pytest.mark.parametrize("path", ["src/click/testing.py", "latest.py", "contest/a.py", "src/Attestation.java", "a.py"])
def test_what_only_sounds_like_a_test_is_none(path):
    assert not is_test(path)


def test_a_call_from_a_test_that_imports_the_name_or_the_module_counts():
    by_name = {"src/pkg/core.py": CORE, "tests/test_core.py": "from pkg.core import parse\ndef test(): parse(1)\n"}
    assert exercised(by_name) == {"src/pkg/core.py:parse"}
    by_package = {**by_name, "tests/test_core.py": "import pkg\ndef test(): pkg.parse(1)\n"}
    assert exercised(by_package) == {"src/pkg/core.py:parse"}


def test_a_call_without_an_import_and_a_mere_import_count_for_nothing():
    files = {"src/pkg/core.py": CORE, "tests/test_core.py": "from other import Box\ndef test(): parse(1)\n"}
    assert exercised(files) == set()


def test_a_call_from_code_that_is_no_test_counts_for_nothing():
    files = {"src/pkg/core.py": CORE, "src/pkg/use.py": "from pkg.core import parse\nparse(1)\n"}
    assert exercised(files) == set()


def test_a_heading_is_never_tested():
    tests, guide = (
        TestLinks(),
        {"imports": [], "calls": [], "test_calls": [], "symbols": [["section", "parse", "", False]]},
    )
    tests.add("test_core.py", told("test_core.py", "from core import parse\nparse(1)\n"))
    assert tests.cover("core.md", guide) == [False]
    assert tests.cover("core.py", guide | {"symbols": [["function", "parse", "", False]]}) == [True]


def test_a_constructor_stands_for_its_class_and_a_tested_method_for_its_class():
    made = {"src/pkg/core.py": CORE, "tests/test_core.py": "from pkg.core import Box\nBox()\n"}
    assert exercised(made) == {"src/pkg/core.py:Box", "src/pkg/core.py:Box.__init__"}
    used = {"src/pkg/core.py": CORE, "tests/test_core.py": "from pkg import core\ndef test(box): box.put()\n"}
    assert exercised(used) == {"src/pkg/core.py:Box", "src/pkg/core.py:Box.put"}


def test_a_test_of_the_same_package_needs_no_import():
    go = {
        "mux/mux.go": "package mux\nfunc Route() {}\n",
        "mux/mux_test.go": "package mux\nfunc TestRoute() { Route() }\n",
    }
    assert exercised(go) == {"mux/mux.go:Route"}
    java = {
        "src/main/java/a/Box.java": "class Box { void put() {} void lost() {} }",
        "src/test/java/a/BoxTest.java": "class BoxTest { void t(Box b) { b.put(); } }",
    }
    assert exercised(java) == {"src/main/java/a/Box.java:Box", "src/main/java/a/Box.java:Box.put"}


def test_a_test_module_inside_a_rust_file_tests_it_and_is_not_tested():
    source = """
fn one() {}
fn two() {}
#[cfg(test)]
mod tests {
    use super::*;
    fn helper() {}
    #[test]
    fn works() { helper(); assert_eq!(one(), ()); }
}
"""
    assert exercised({"src/lib.rs": source}) == {"src/lib.rs:one"}
