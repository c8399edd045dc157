"""Spans are whole syntax nodes of a useful size."""

import pytest

from pipelines.syntax.languages import language_named
from pipelines.syntax.spans import MAX_BYTES, MIN_BYTES, find_spans

SOURCES = {
    "python": "def f(a):\n    total = compute(a, first=1)\n    for x in a:\n        total += x * 2\n    return total\n",
    "javascript": "function f(a) {\n  const total = compute(a, 1);\n  go(total);\n  return total;\n}\n",
    "typescript": "function f(a: T): T {\n  const total = compute(a, 1);\n  go(total);\n  return total;\n}\n",
    "tsx": "const A = () => { const total = compute(a, 1); return <div>{total}</div>; };\n",
    "java": "class A { int f(int a) {\n int total = compute(a, 1);\n while (a) { go(total); }\n return total; } }\n",
    "go": "package a\nfunc f(a int) int {\n\ttotal := compute(a, 1)\n\tfor a > 1 { step(total) }\n\treturn total\n}\n",
    "rust": "fn f(a: i32) -> i32 {\n let total = compute(a, 1);\n while a > 1 { step(total); }\n return total;\n}\n",
    "c": "int f(int a) {\n int total = compute(a, 1);\n while (a) { go(total); }\n return total;\n}\n",
    "cpp": "int A::f(int a) {\n auto total = compute(a, 1);\n while (a) { go(total); }\n return total;\n}\n",
    "csharp": "class A { int F(int a) {\n int total = compute(a, 1);\n while (a) { Go(total); }\n return total; } }\n",
    "ruby": "def f(a)\n  total = compute(a, first: 1)\n  a.each { |x| total += x * 2 }\n  return total\nend\n",
    "php": "<?php function f($a) {\n $total = compute(a, 1);\n while ($a) { go($total); }\n return $total;\n} ?>\n",
}


@pytest.mark.parametrize("language", SOURCES)
def test_spans_are_sorted_unique_and_of_a_useful_size(language):
    source = (SOURCES[language] * 30).encode()
    ranges = [(span.start_byte, span.end_byte) for span in find_spans(source, language_named(language))]
    assert len(set(ranges)) == len(ranges)
    assert ranges == sorted(ranges, key=lambda pair: (pair[0], -pair[1]))
    assert ranges
    assert all(MIN_BYTES <= end - start <= MAX_BYTES for start, end in ranges)


@pytest.mark.parametrize("language", SOURCES)
def test_bodies_statements_and_assigned_values_are_spans(language):
    source = SOURCES[language].encode()
    texts = {source[span.start_byte : span.end_byte].decode() for span in find_spans(source, language_named(language))}
    assert any(text.startswith("compute(a") for text in texts)
    assert any("return" in text and "total" in text and len(text) > 40 for text in texts)


def test_comments_and_broken_nodes_are_no_spans():
    source = b"# a comment that is long enough\nx = call(1, 2, 3)\ndef broken(:\n    pass pass pass\n"
    texts = [source[span.start_byte : span.end_byte] for span in find_spans(source, language_named("python"))]
    assert b"x = call(1, 2, 3)" in texts
    assert not any(b"broken" in text or text.startswith(b"#") for text in texts)
