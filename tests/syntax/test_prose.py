"""Prose is read by its sections: each heading with the text below it, under the headings it stands under."""

import pytest

from pipelines.syntax.chunks import split_chunks
from pipelines.syntax.languages import language_named, language_of
from pipelines.syntax.parser import is_valid
from pipelines.syntax.spans import find_spans
from pipelines.syntax.symbols import find_symbols
from pipelines.syntax.types import Symbol

MARKDOWN = """\
---
title: No heading
---
Before all.

# The *guide* to `nocturne`

Welcome.

Install
-------

```sh
# no heading
make
```

### From [source](https://example.org) ###

1. Clone.

   # in a list

> # in a quotation

    # indented code

## Use
~~~
## no heading
~~~
Empty
=====
"""

RST = """\
=======
 Guide
=======

Welcome to :class:`Till`.

.. _install:

Install ``it``
==============
Run::

    Not a title
    -----------

- an item
-------------

From `source <https://example.org>`_
------------------------------------

=====  =====
a      b
=====  =====

Use
===
two lines of
text
====

----

1. Numbered
~~~
"""


def found(source: str, language: str) -> dict[str, Symbol]:
    return {symbol.qualified_name: symbol for symbol in find_symbols(source.encode(), language_named(language))}


def test_markdown_sections():
    box = found(MARKDOWN, "markdown")
    guide = "The guide to nocturne"
    assert list(box) == [guide, f"{guide} > Install", f"{guide} > Install > From source", f"{guide} > Use", "Empty"]
    install = box[f"{guide} > Install"]
    assert (install.kind, install.name, install.doc) == ("section", "Install", "")
    assert install.signature == "Install\n-------"
    assert install.body == "```sh\n# no heading\nmake\n```"
    assert install.code == "Install\n-------\n\n```sh\n# no heading\nmake\n```"
    assert (box["Empty"].body, box["Empty"].code) == ("", "Empty\n=====")
    assert box[f"{guide} > Install > From source"].body.endswith("# indented code")


def test_restructuredtext_sections():
    box = found(RST, "restructuredtext")
    assert list(box) == ["Guide", "Guide > Install it", "Guide > Install it > From source", "Guide > Use"]
    assert box["Guide"].signature == "=======\n Guide\n======="
    assert box["Guide > Install it"].signature == "Install ``it``\n=============="
    assert box["Guide > Install it"].body.startswith("Run::")
    assert "two lines of" in box["Guide > Use"].body


@pytest.mark.parametrize(("source", "language"), [(MARKDOWN, "markdown"), (RST, "restructuredtext")])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_ranges_reproduce_the_source_whatever_ends_its_lines(source, language, end, mark):
    content = (mark + source.replace("\n", end)).encode()
    lines = content.decode().split(end)
    made = find_symbols(content, language_named(language))
    assert [symbol.qualified_name for symbol in made] == list(found(source, language))
    assert made
    for symbol in made:
        assert content[symbol.start_byte : symbol.end_byte].decode() == symbol.code
        assert content[symbol.body_start_byte : symbol.body_end_byte].decode() == symbol.body
        assert symbol.code == end.join(lines[symbol.start_line - 1 : symbol.end_line]).strip(mark + "\r\n ") or (
            symbol.code.startswith(symbol.signature)
        )
        assert not symbol.code.startswith("\ufeff")


@pytest.mark.parametrize("language", ["markdown", "restructuredtext"])
def test_sections_never_share_a_passage_but_a_bare_heading_goes_with_the_next(language):
    rule = {"markdown": ("", ""), "restructuredtext": ("======", "------")}[language]
    marks = ("# ", "## ") if language == "markdown" else ("", "")
    parts = [f"{marks[0]}Guide\n{rule[0]}\n", *(f"{marks[1]}Part {n}\n{rule[1]}\n\nText {n}.\n" for n in range(3))]
    made = split_chunks("\n".join(parts).encode(), language_named(language), 600, 100)
    assert [(chunk.kind, chunk.text[-7:]) for chunk in made] == [("section", f"Text {n}.") for n in range(3)]
    assert made[0].text.startswith(f"{marks[0]}Guide")
    assert [chunk.symbol for chunk in made] == [f"Guide > Part {n}" for n in range(3)]


def test_long_sections_are_cut_at_paragraphs_and_never_in_code():
    code = "```py\n" + "x = 1\n\n" * 30 + "```\n\n"
    paragraph = "One two three four.\n" * 8 + "\n"
    source = "# Guide\n\n" + (paragraph + code) * 6
    made = split_chunks(source.encode(), language_named("markdown"), 400, 100)
    assert {(chunk.kind, chunk.symbol) for chunk in made} == {("section", "Guide")}
    assert all(chunk.text.count("```") % 2 == 0 for chunk in made)
    assert all(chunk.text.startswith(("# Guide", "One", "```py")) for chunk in made)
    (large, *_), limit = split_chunks(("# G\n\n" + code * 9).encode(), language_named("markdown"), 150, 0), 150
    assert len(large.text) <= limit


def test_prose_has_no_syntax_to_break_and_no_holes_to_fill():
    for source, language in [(MARKDOWN, "markdown"), (RST, "restructuredtext")]:
        assert find_spans(source.encode(), language_named(language)) == []
        assert is_valid(source.encode(), language_named(language)) is None


@pytest.mark.parametrize("language", ["markdown", "restructuredtext"])
@pytest.mark.parametrize(
    "source", ["", "\n\n", "x", "#", "===\n", "===\nx", "---\na: 1\n", "> " * 900, "- " * 900 + "x"]
)
def test_odd_files_are_covered(source, language):
    made = split_chunks(source.encode(), language_named(language), 600, 100)
    assert "".join("".join(chunk.text for chunk in made).split()) == "".join(source.split())


def test_prose_is_told_by_the_ending():
    assert language_of("docs/README.MD") is language_named("markdown")
    assert language_of("docs/index.rst") is language_named("restructuredtext")
