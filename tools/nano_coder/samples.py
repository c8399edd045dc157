"""The forms in which nano-coder reads code: plain files, fill-in-the-middle, and the recipes explain and implement.

Pure functions of a document, a tokenizer and a random generator; `tools.nano_coder.shards` packs what they make.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.lm import prompts
from pipelines.syntax.languages import language_of
from pipelines.syntax.symbols import find_symbols

FIM = prompts.FIM_FAMILIES[0]
TURN_END = "<|im_end|>"
MIDDLE_CHARACTERS = (10, 1000)
# (probability, fewest, most characters of a fill-in-the-middle window): at about 3.3 bytes a token the first is up to
# 500 tokens; the last fills a row of 1,024.
WINDOWS = ((0.75, 200, 1500), (0.2, 1500, 2400), (0.05, 2800, 3300))
FIM_CONTEXT, CHAT_CONTEXT = 0.1, 0.15
CODE_CHARACTERS = 2200
DOC_CHARACTERS = (16, 1200)


@dataclass(frozen=True)
class Chunk:
    """A piece of a file, as the prompts show it for context."""

    path: str
    start_line: int
    end_line: int
    text: str


def plain(package: str, path: str, text: str) -> str:
    """A whole file in Qwen2.5-Coder's repository form."""
    return f"<|repo_name|>{package}{FIM.file}{path}\n{text}{FIM.end}"


def windows(text: str, chance: random.Random) -> Iterator[str]:
    """Consecutive pieces of a file that cover it, most of them cut at line ends, of the lengths in WINDOWS."""
    shares = [share for share, _, _ in WINDOWS]
    start = 0
    while start < len(text):
        _, low, high = chance.choices(WINDOWS, shares)[0]
        end = start + chance.randint(low, high)
        cut = text.rfind("\n", start + low // 2, end) + 1
        if end < len(text) and cut and chance.random() < 0.9:
            end = cut
        yield text[start:end]
        start = end


def fill_in(window: str, chance: random.Random) -> tuple[str, str] | None:
    """(prompt, middle with its end token) of one window, half of them suffix first; None when it is too short."""
    if len(window.strip()) < 3 * MIDDLE_CHARACTERS[0]:
        return None
    start, end = _by_characters(window, chance) if chance.random() < 0.5 else _by_lines(window, chance)
    if not window[start:end].strip():
        return None
    form = FIM.psm if chance.random() < 0.5 else FIM.spm
    return form(window[:start], window[end:]), window[start:end] + FIM.end


def _by_characters(window: str, chance: random.Random) -> tuple[int, int]:
    """A random span, its length even on a logarithmic scale."""
    low, high = MIDDLE_CHARACTERS
    high = max(low, min(high, len(window) // 2))
    length = round(math.exp(chance.uniform(math.log(low), math.log(high))))
    start = chance.randint(0, len(window) - length)
    return start, start + length


def _by_lines(window: str, chance: random.Random) -> tuple[int, int]:
    """From the first non-blank character of a line (or inside it) to the end of a line, or of an indented block."""
    lines = window.splitlines(keepends=True)
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line))
    first = chance.randrange(len(lines))
    indent = _indent(lines[first])
    start = offsets[first] + (indent if chance.random() < 0.7 else 0)
    if chance.random() < 0.3:
        start = min(start + chance.randint(0, len(lines[first])), offsets[first + 1] - 1)
    last = first + 1
    whole_block = chance.random() < 0.5
    wanted = last if chance.random() < 0.5 else last + chance.randint(0, 8)
    while last < len(lines) and offsets[last + 1] - start <= MIDDLE_CHARACTERS[1]:
        inside = not lines[last].strip() or _indent(lines[last]) >= indent
        if not (inside if whole_block else last < wanted):
            break
        last += 1
    end = min(offsets[last], start + MIDDLE_CHARACTERS[1])
    return start, end - (1 if window[end - 1] == "\n" and end - start > 1 else 0)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def chunk(path: str, text: str, chance: random.Random) -> Chunk:
    """A few whole lines from anywhere in a file, up to about 800 characters."""
    lines = text.splitlines()
    first = chance.randrange(len(lines))
    last, size, wanted = first, 0, chance.randint(200, 800)
    while last < len(lines) and size + len(lines[last]) < wanted:
        size += len(lines[last]) + 1
        last += 1
    last = max(last, first + 1)
    return Chunk(path, first + 1, last, "\n".join(lines[first:last])[:800])


def fill_ins(text: str, others: Sequence[tuple[str, str]], chance: random.Random) -> Iterator[str]:
    """Fill-in-the-middle samples that cover a file; a few after chunks of `others`, (path, text) of its package."""
    for window in windows(text, chance):
        made = fill_in(window, chance)
        if made is not None:
            prompt, middle = made
            shown = _context(others, chance, FIM_CONTEXT) if len(window) < 1500 else []
            yield FIM.with_context(prompt, shown) + middle


def chats(
    tokenizer: Any, document: dict[str, Any], others: Sequence[tuple[str, str]], chance: random.Random
) -> Iterator[str]:
    """Explain and implement samples of a file's documented symbols, through the chat template."""
    for request, reply in _recipes(document["path"], document["text"], chance):
        shown = _context(others, chance, CHAT_CONTEXT)
        yield prompts.apply_chat_template(tokenizer, prompts.add_context(request, shown)) + reply + TURN_END


def _recipes(path: str, text: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    language = language_of(path)
    if language is None:
        return
    for symbol in find_symbols(text.encode(), language):
        doc, name = (symbol.doc or "").strip(), symbol.qualified_name
        if not DOC_CHARACTERS[0] <= len(doc) <= DOC_CHARACTERS[1] or len(symbol.code) > CODE_CHARACTERS:
            continue
        if chance.random() < 0.5 or not symbol.body:
            yield prompts.explain_prompt(name, path, language.name, symbol.code), doc
        else:
            yield prompts.implement_prompt(name, path, language.name, doc, symbol.signature), symbol.body


def _context(others: Sequence[tuple[str, str]], chance: random.Random, probability: float) -> list[Chunk]:
    if not others or chance.random() >= probability:
        return []
    return [chunk(*chance.choice(others), chance) for _ in range(chance.randint(1, 2))]
