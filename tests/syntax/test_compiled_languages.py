"""C, C++ and C#: declarators, headers, namespaces and what stands in a class."""

import pytest

from pipelines.syntax.chunks import split_chunks
from pipelines.syntax.dialects import settle_dialect
from pipelines.syntax.facts import read_facts
from pipelines.syntax.languages import language_named, language_of
from pipelines.syntax.parser import parse
from pipelines.syntax.symbols import find_symbols
from pipelines.syntax.types import Symbol

C = """\
/* Licence. */

#ifndef POOL_H
#include <stdio.h>

/**
 * Finds a block.
 * @param size in bytes
 */
extern struct block *pool_find(struct pool *pool, size_t size);

/* Walks all of it. */
static int **walk(int depth)
{
  return 0;
}

/// Chooses a handler.
int (*choose(int kind))(int) { return 0; }

typedef struct { int x; /* across */ } point_t;
struct pool { int used; };
typedef enum kind { SMALL, LARGE } kind_t;
union word { int i; float f; };
int (*callback)(int), count = 3;
struct pool;
#endif
"""

CPP = """\
namespace store::inner {

/// A box.
///
/// Of things.
template <typename T>
class Box : public Base {
 public:
  explicit Box(int size);
  virtual ~Box();
  //! How many.
  int size() const { return size_; }  // trailing
  Box& operator=(const Box&) = delete;
  operator bool() const { return true; }
  virtual void open() = 0;
  int (*hook)(int);

 private:
  int size_;
};

template <typename T>
T& Box<T>::operator[](int i) { return items_[i]; }

enum class Kind : int { Small };
struct Lid { struct Hinge {}; };
}  // namespace store::inner

store::inner::Lid::Lid() try : a_(1) { go(); } catch (...) {}

extern "C" int plain(void) { return 1; }
auto add = [](int a) { return a; };
"""

CSHARP = """\
using System;
namespace Store.Inner;

/// <summary>
/// A box.
/// </summary>
/// <typeparam name="T">what it holds</typeparam>
[Serializable]
public class Box<T> : IBox where T : class
{
    /// <summary>How many.</summary>
    public int Size { get; set; } = 3;
    public int Twice => 2 * Size;
    public T this[int i] { get { return items[i]; } }
    public Box(int size) { Size = size; }
    ~Box() { }
    public static Box<T> operator +(Box<T> a, Box<T> b) => a;
    public static implicit operator int(Box<T> a) { return 1; }
    void IBox.Open() { void Local() { } }
    enum Kind { Small }
}
public record Pair(int A, int B);
public interface IBox { void Open(); }
struct Point { }
"""


def found(source: str, language: str) -> dict[str, Symbol]:
    return {symbol.qualified_name: symbol for symbol in find_symbols(source.encode(), language_named(language))}


def test_c_parts():
    box = found(C, "c")
    assert list(box) == ["pool_find", "walk", "choose", "point_t", "pool", "kind", "word"]
    assert box["pool_find"].doc == "Finds a block.\n@param size in bytes"
    assert box["pool_find"].signature == "extern struct block *pool_find(struct pool *pool, size_t size)"
    assert (box["walk"].doc, box["walk"].body) == ("Walks all of it.", "{\n  return 0;\n}")
    assert (box["choose"].doc, box["choose"].signature) == ("Chooses a handler.", "int (*choose(int kind))(int)")
    assert box["point_t"].code == "typedef struct { int x; /* across */ } point_t;"
    assert {symbol.kind for symbol in box.values()} == {"function", "class"}


def test_cpp_parts():
    box = found(CPP, "cpp")
    inner = "store.inner."
    assert list(box) == [
        *(inner + name for name in ("Box", "Box.Box", "Box.~Box", "Box.size", "Box.operator=", "Box.operator bool")),
        *(inner + name for name in ("Box.open", "Box.operator[]", "Kind", "Lid", "Lid.Hinge", "Lid.Lid")),
        "plain",
    ]
    assert box[inner + "Box"].doc == "A box.\n\nOf things."
    assert box[inner + "Box"].signature == "template <typename T>\nclass Box : public Base"
    assert (box[inner + "Box.size"].doc, box[inner + "Box.operator="].doc) == ("How many.", "")
    assert box[inner + "Box.operator[]"].kind == box[inner + "Lid.Lid"].kind == box[inner + "Box.open"].kind == "method"
    assert box[inner + "Lid.Lid"].body.startswith("try")
    assert (box["plain"].kind, box["plain"].signature) == ("function", 'extern "C" int plain(void)')


def test_csharp_parts():
    box = found(CSHARP, "csharp")
    members = ("Size", "Twice", "this", "Box", "~Box", "operator +", "operator int", "Open", "Open.Local", "Kind")
    names = ("Box", *("Box." + name for name in members), "Pair", "IBox", "IBox.Open", "Point")
    assert list(box) == ["Store.Inner." + name for name in names]
    whole, size = box["Store.Inner.Box"], box["Store.Inner.Box.Size"]
    assert whole.doc == 'A box.\n<typeparam name="T">what it holds</typeparam>'
    assert whole.signature == "[Serializable]\npublic class Box<T> : IBox where T : class"
    assert (size.doc, size.signature, size.body) == ("How many.", "public int Size", "{ get; set; }")
    assert (size.kind, box["Store.Inner.Box.Open.Local"].kind) == ("method", "function")


def test_what_preprocessing_breaks_makes_no_function_of_a_statement():
    source = "int f(int a) {\n#ifdef X\n  if (a) {\n#else\n  }\n#endif\n  else if (a > 1) { go(); }\n  return 1;\n}\n"
    assert "if" not in found(source + source, "c")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("template <class T>\nT f(T);\n", "cpp"),
        ("namespace a {\nint f();\n}\n", "cpp"),
        ("class A : public B {\n};\n", "cpp"),
        ("int class;\n/* class A {\n*/ struct s { int x; };\n", "c"),
        ('#ifdef __cplusplus\nextern "C" {\nclass A;\n#endif\nint f(void);\n', "c"),
    ],
)
def test_a_header_is_c_unless_it_holds_cpp(source, name):
    header = language_of("a.h")
    assert header is not None
    assert settle_dialect(source.encode(), header).name == name


@pytest.mark.parametrize(("source", "language"), [(C, "c"), (CPP, "cpp"), (CSHARP, "csharp")])
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


MACROS = """\
/* class EXPORT Text { */
EXPORT_BEGIN
class EXPORT(shared) Store final : public Base {
 public:
  INLINE int size() const NOEXCEPT { return size_; }
  void lock() ACQUIRES(mutex_) { mutex_.lock(); }
  int find(const char* key) NOEXCEPT override;

 private:
  Mutex mutex_ GUARDED_BY(this);
  int size_;
};
INLINE API std::string store::name(const Store& store) {
  return store.size() ? "EXPORT name" : "";
}
DEFINE_FLAG(int, limit, 8, "how many");
extern int ZEXPORT CALLBACK after_all(int first);
BOOL WINAPI last(DWORD code) { return code == MAX_CODE; }
"""


def test_definitions_behind_macros_are_found_where_the_source_has_them():
    source = MACROS.encode()
    found = find_symbols(source, language_named("cpp"))
    assert [(symbol.kind, symbol.qualified_name) for symbol in found] == [
        ("class", "Store"),
        ("method", "Store.size"),
        ("method", "Store.lock"),
        ("method", "Store.find"),
        ("method", "store.name"),
        ("function", "after_all"),
        ("function", "last"),
    ]
    for symbol in found:
        assert source[symbol.start_byte : symbol.end_byte].decode() == symbol.code
    signatures = {symbol.name: symbol.signature for symbol in found}
    assert signatures["Store"] == "class EXPORT(shared) Store final : public Base"
    assert signatures["name"] == "INLINE API std::string store::name(const Store& store)"
    assert signatures["last"] == "BOOL WINAPI last(DWORD code)"


def test_capitals_that_are_types_or_calls_stay():
    source = b"""\
typedef struct LIST { struct LIST *next; } LIST;
struct LIST first = {0};
DWORD size(FILE *file) { if (file) CHECK(file); return (SIZE) MAX; }
"""
    assert [symbol.signature for symbol in find_symbols(source, language_named("c"))] == [
        "typedef struct LIST",
        "DWORD size(FILE *file)",
    ]
    calls = read_facts(source, language_named("c"), find_symbols(source, language_named("c"))).calls
    assert calls == ["CHECK"]


@pytest.mark.parametrize(
    ("source", "kept"), [(b"DWORD code = = 1;\n", True), (b"INLINE FIRST void f(void) { g(); }\n", False)]
)
def test_blanks_that_leave_as_many_errors_are_taken_back(source, kept):
    assert (parse(source, language_named("c")).root_node.text == source) is kept
