"""A heading, or a symbol's name, to what the repository says about it. No code is shown: what is learned is what the
documentation knows, where `explain` learns to read code."""

import re
from collections.abc import Iterator

from pipelines.dataset.recipes.recipe import LicensedSymbol, Recipe, Sources, format_messages, make_draft, place_of
from pipelines.lm import prompts
from pipelines.records.dataset import Draft

MAX_CHARS = 1_200  # of a section; it ends at the paragraph before this

FENCE = re.compile(r"^ {0,3}(```|~~~)")


def make(sources: Sources) -> Iterator[Draft]:
    """One draft for each section of prose and for each documented symbol."""
    for symbol in sources.symbols():
        if symbol["kind"] == "section":
            yield from _about_section(sources, symbol)
        elif len(symbol["doc"]) >= sources.params.min_doc_chars:
            yield _about_symbol(sources, symbol)


def _about_section(sources: Sources, section: LicensedSymbol) -> Iterator[Draft]:
    """`source[start_byte:end_byte]` is the completion: the first paragraphs below the heading."""
    source = sources.source(section["path"])
    body = source[section["body_start_byte"] : section["body_end_byte"]].decode()
    said = cut_at_sentence(body.strip())
    if len(said) < sources.params.min_doc_chars:
        return
    headings = section["qualified_name"]
    before = len(body[: body.index(said)].encode())
    start = section["body_start_byte"] + before
    yield make_draft(
        section,
        place_of(source, start, start + len(said.encode())),
        format_messages(sources, prompts.section_question(section["path"], headings)),
        task="questions",
        completion=said,
        query=headings,
        content=[headings, said],
    )


def _about_symbol(sources: Sources, symbol: LicensedSymbol) -> Draft:
    """`source[start_byte:end_byte]` is the documentation as it is written, the completion its text without marks."""
    name = symbol["qualified_name"]
    start, end = symbol["doc_range"] or (0, 0)
    return make_draft(
        symbol,
        place_of(sources.source(symbol["path"]), start, end),
        format_messages(sources, prompts.purpose_question(name, symbol["path"])),
        task="questions",
        completion=symbol["doc"],
        query=name,
        content=[name, symbol["doc"]],
    )


def cut_at_sentence(text: str) -> str:
    """The paragraphs of a text that end within `MAX_CHARS`, at least the first; a fenced block is never cut."""
    ends, fenced, at = [], "", 0
    for line in text.splitlines(keepends=True):
        mark = FENCE.match(line)
        if mark and fenced in ("", mark[1]):
            fenced = "" if fenced else mark[1]
        if not line.strip() and not fenced:
            ends.append(at)
        at += len(line)
    ends.append(len(text))
    return text[: max((end for end in ends if end <= MAX_CHARS), default=ends[0])].rstrip()


RECIPE = Recipe("questions", make, "prose with headings, or symbols with documentation of dataset.min_doc_chars")
