"""Ruby and PHP: modules, singleton methods, namespaces without braces, and HTML around the code."""

import pytest

from pipelines.syntax.chunks import split_chunks
from pipelines.syntax.languages import language_named
from pipelines.syntax.symbols import find_symbols
from pipelines.syntax.types import Symbol

RUBY = """\
# frozen_string_literal: true

module Store::Inner
  ##
  # A box.
  #
  # @see Lid
  # rubocop:disable Metrics
  class Box < Base
    class << self
      def load(path); new(path); end
    end

    # Makes one.
    private def self.make(a, b = 1) = a + b

    def empty; end

    def ==(other)
      # by size
      size == other.size
    end

    def size=(value)
      @size = value
    rescue TypeError
      nil
    end
    keep = ->(x) { x } # no definition
  end
end

=begin
Opens.
=end
def Store.open(path)
  path
end

Pair = Struct.new(:a, :b) do
  def sum = a + b
end
def free() = 1
"""

PHP = """\
<html><?php
namespace Store\\Inner;

/**
 * A box.
 *
 * @template T
 */
#[Attribute]
abstract class Box extends Base implements Lid
{
    /** How many. */
    public function size(int $a = 1): int { return $this->size; }
    abstract protected function open();
    public static function &make() { return new class { function inner() {} }; }
}
interface Lid { public function close(): void; }
trait Holds { function hold() {} }
enum Kind: string { case A = 'a'; public function label(): string { return 'x'; } }
?>
<b><?= helper() ?></b>
<?php
namespace Other;
// no documentation
function helper() { $f = function () { return 1; }; return fn($x) => $f($x); }
"""


def found(source: str, language: str) -> dict[str, Symbol]:
    return {symbol.qualified_name: symbol for symbol in find_symbols(source.encode(), language_named(language))}


def test_ruby_parts():
    box = found(RUBY, "ruby")
    methods = ("load", "make", "empty", "==", "size=")
    names = ("Store.Inner", "Store.Inner.Box", *("Store.Inner.Box." + name for name in methods))
    assert list(box) == [*names, "Store.open", "Pair.sum", "free"]
    assert (box["Store.Inner"].kind, box["Store.Inner"].name) == ("class", "Inner")
    whole, make, equal = (box["Store.Inner.Box" + name] for name in ("", ".make", ".=="))
    assert (whole.doc, whole.signature) == ("A box.\n\n@see Lid", "class Box < Base")
    assert (make.doc, make.signature, make.body) == ("Makes one.", "private def self.make(a, b = 1) =", "a + b")
    assert equal.body == "      # by size\n      size == other.size"
    assert (box["Store.Inner.Box.empty"].signature, box["Store.Inner.Box.empty"].body) == ("def empty", "")
    assert "rescue TypeError" in box["Store.Inner.Box.size="].body
    assert (box["Store.open"].doc, box["Store.open"].kind, box["free"].kind) == ("Opens.", "method", "function")


def test_php_parts():
    box = found(PHP, "php")
    members = ("Box", "Box.size", "Box.open", "Box.make", "Box.make.inner", "Lid", "Lid.close", "Holds", "Holds.hold")
    inner = ["Store.Inner." + name for name in (*members, "Kind", "Kind.label")]
    assert list(box) == [*inner, "Other.helper"]
    whole, size = box["Store.Inner.Box"], box["Store.Inner.Box.size"]
    assert whole.doc == "A box.\n\n@template T"
    assert whole.signature == "#[Attribute]\nabstract class Box extends Base implements Lid"
    assert (size.doc, size.signature, size.kind) == ("How many.", "public function size(int $a = 1): int", "method")
    assert (box["Store.Inner.Box.open"].body, box["Other.helper"].kind, box["Other.helper"].doc) == ("", "function", "")


@pytest.mark.parametrize(("source", "language"), [(RUBY, "ruby"), (PHP, "php")])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_ranges_and_chunks_reproduce_the_source(source, language, end):
    data = source.replace("\n", end).encode()
    symbols = find_symbols(data, language_named(language))
    assert symbols
    for symbol in symbols:
        whole = data[symbol.start_byte : symbol.end_byte].decode()
        assert whole.startswith(symbol.signature)
        assert data[symbol.body_start_byte : symbol.body_end_byte].decode() == symbol.body
        assert data[: symbol.start_byte].count(b"\n") + 1 == symbol.start_line
        assert symbol.code == whole or symbol.doc_range
    lines = {
        n
        for chunk in split_chunks(data, language_named(language), 300, 60)
        for n in range(chunk.start_line, chunk.end_line + 1)
    }
    assert lines >= {number for number, line in enumerate(data.split(b"\n"), 1) if line.strip()}
