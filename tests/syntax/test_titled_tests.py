"""Tests that are called by a title and not by a name: what runners of six languages take for a test is a symbol."""

import pytest

from pipelines.syntax.facts import read_facts
from pipelines.syntax.languages import language_named
from pipelines.syntax.symbols import find_symbols

TYPESCRIPT = """\
describe("Router", () => {
  beforeEach(() => { reset(); });
  it.each([1, 2])("takes %i", async (n) => { f(n); });
  test(`of ${x}`, function () { g(); });
  test.each`a|b`('tagged', () => 1);
  describe.skip(Lid, () => { it("x.y", () => { const h = () => 1; }); });
  test("late", { timeout: 1 }, () => { k(); }, 100);
  test.step("a step", () => {});
  attest("no test", () => {});
});
function test(title) { return 1; }
Deno.test("in Deno", async () => { await run(); });
"""

RUBY = """\
RSpec.describe Store::Box, type: :model do
  context "when full" do
    it "is heavy" do
      expect(weigh).to eq 1
    end
    it("is shut") { lid }
    it { is_expected.to be_full }
    def helper; end
  end
end
"""

PHP = """\
<?php
it('opens', function () { shut(); })->group('box');
describe('a lid', function () {
    test("fits", fn () => lid());
});
"""

CPP = """\
TEST(BoxTest, Opens) { open(); }
TEST_F(LidTest, Fits) { fit(); }
int TEST(int a, int b) { return a; }
"""


@pytest.mark.parametrize(
    ("language", "source", "wanted"),
    [
        (
            "typescript",
            TYPESCRIPT,
            ["Router.takes %i", "Router.of ${x}", "Router.tagged", "Router.Lid.x.y", "Router.late", "in Deno"],
        ),
        ("ruby", RUBY, ["Store.Box.when full.is heavy", "Store.Box.when full.is shut"]),
        ("php", PHP, ["opens", "a lid.fits"]),
        ("cpp", CPP, ["BoxTest.Opens", "LidTest.Fits"]),
    ],
)
def test_a_test_is_named_by_its_title_below_those_of_its_groups(language, source, wanted):
    found = [one for one in find_symbols(source.encode(), language_named(language)) if one.kind == "test"]
    assert [one.qualified_name for one in found] == wanted
    for one in found:
        assert one.qualified_name.endswith(one.name)
        assert one.name in one.signature or "TEST" in one.signature
        assert source.encode()[one.start_byte : one.end_byte].decode() == one.code
        assert source.encode()[one.body_start_byte : one.body_end_byte].decode() == one.body


def test_javascript_and_typescript_know_the_same_tests():
    names = [
        [one.qualified_name for one in find_symbols(TYPESCRIPT.encode(), language_named(language))]
        for language in ("javascript", "typescript", "tsx")
    ]
    assert names[0] == names[1] == names[2]


def test_a_function_of_a_tests_name_stays_one_and_what_a_test_defines_lies_in_it():
    found = {one.qualified_name: one.kind for one in find_symbols(TYPESCRIPT.encode(), language_named("typescript"))}
    assert found["test"] == found["Router.Lid.x.y.h"] == "function"
    assert {one.qualified_name: one.kind for one in find_symbols(CPP.encode(), language_named("cpp"))}[
        "TEST"
    ] == "function"


def test_what_a_titled_test_calls_is_called_by_a_test_wherever_its_file_lies():
    source, language = TYPESCRIPT.encode(), language_named("typescript")
    found = find_symbols(source, language)
    known = read_facts(source, language, found)
    assert {"f", "g", "k"} <= set(known.test_calls)
    assert "reset" not in known.test_calls
    assert [one.name for one, in_test in zip(found, known.test_symbols, strict=True) if not in_test] == ["test"]
