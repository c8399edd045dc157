"""Markdown by CommonMark's rules (https://spec.commonmark.org) and GitHub's tables."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pipelines.syntax.prose.sections import Heading, reading
from pipelines.syntax.types import Reading

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# YAML or TOML between two rules at the very top, as site generators have it.
_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n(?:.*\n)*?\1[ \t]*(?:\n|\Z)")
_STRAY_RETURN = re.compile(r"\r(?!\n)")
_WORDS = {"text", "text_special", "code_inline", "image"}
_BREAKS = {"softbreak", "hardbreak"}


def read(source: bytes) -> Reading:
    """The sections of UTF-8 Markdown.

    Headings inside quotations, lists and code belong to the section they stand in; one without words is none.
    """
    tokens: list[Token] = []
    references: dict[str, Any] = {}
    _parser().block.parse(_text(source), _parser(), references, tokens)
    return reading(source, list(_headings(tokens, references)), _starts(tokens))


def _text(source: bytes) -> str:
    """The text with the parser's lines where ours are, and blank lines for front matter."""
    text = source.decode("utf-8", "replace")
    if "\n" in text:
        text = _STRAY_RETURN.sub(" ", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    front = _FRONT_MATTER.match(text)
    return "\n" * front.group().count("\n") + text[front.end() :] if front else text


def _headings(tokens: "list[Token]", references: dict[str, Any]) -> Iterator[Heading]:
    for token, words in pairwise(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            name = _plain(words.content, references)
            if name:
                yield Heading(int(token.tag[1:]), name, *token.map)


def _plain(line: str, references: dict[str, Any]) -> str:
    """The words of a line of Markdown: of a link its text, of an image its description."""
    (inline,) = _parser().parseInline(line, references)
    words = [
        token.content if token.type in _WORDS else " " if token.type in _BREAKS else ""
        for token in inline.children or []
    ]
    return " ".join("".join(words).split())


def _starts(tokens: "list[Token]") -> Iterator[int]:
    """Where paragraphs, items, rows and code begin; the paragraph below a heading stays with it."""
    before = ""
    for token in tokens:
        stays = before == "heading_close" and token.type == "paragraph_open"
        if token.map and token.nesting >= 0 and token.type != "inline" and not stays:
            yield token.map[0]
        before = token.type


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")
