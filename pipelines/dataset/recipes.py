"""The three recipes: what is asked, and what the repository itself answers.

Each recipe takes records of the extraction and yields drafts: examples that nobody has yet counted, compared or split.
"""

import hashlib
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

from pipelines.model import prompts
from pipelines.params import Dataset
from pipelines.records import Record, fingerprint

MIN_BODY_CHARS = 20
QUERY_CHARS = 400


def explain(symbol: Record, tokenizer: Any) -> Record:
    """Code to its documentation: the code is shown without it."""
    request = prompts.explain(symbol["qualified_name"], symbol["path"], symbol["language"], symbol["code"])
    return _draft(
        symbol,
        task="explain",
        mode="chat",
        prompt=prompts.chat(tokenizer, request),
        request=request,
        completion=symbol["doc"],
        query=f"{symbol['qualified_name']}\n{symbol['code']}"[:QUERY_CHARS],
        content=[symbol["code"], symbol["doc"]],
    )


def implement(symbol: Record, tokenizer: Any) -> Record:
    """Documentation and signature to the body."""
    doc, signature = symbol["doc"], symbol["signature"]
    request = prompts.implement(symbol["qualified_name"], symbol["path"], symbol["language"], doc, signature)
    return _draft(
        symbol,
        task="implement",
        mode="chat",
        prompt=prompts.chat(tokenizer, request),
        request=request,
        completion=symbol["body"],
        query=f"{doc}\n{signature}"[:QUERY_CHARS],
        content=[doc, signature, symbol["body"]],
        start_byte=symbol["body_start_byte"],
        end_byte=symbol["body_end_byte"],
    )


def documented(symbols: Iterator[Record], tokenizer: Any, params: Dataset) -> Iterator[Record]:
    """The explain and implement drafts of every symbol with documentation enough, if they are switched on."""
    for symbol in symbols:
        if len(symbol["doc"]) < params.min_doc_chars:
            continue
        if "explain" in params.recipes:
            yield explain(symbol, tokenizer)
        if "implement" in params.recipes and symbol["kind"] != "class" and len(symbol["body"]) >= MIN_BODY_CHARS:
            yield implement(symbol, tokenizer)


def complete(file: Record, fim: prompts.FimTokens, params: Dataset) -> Iterator[Record]:
    """Fill in a syntax node from what stands around it, prefix first and suffix first in turn.

    Which nodes are drawn depends on this file's bytes and the seed alone, so that a change elsewhere changes nothing.
    """
    text = file["text"].encode()
    wanted = math.ceil(len(text) / 1024 * params.complete_per_kb)
    drawn = random.Random(fingerprint(params.seed, file["blob"]))
    spans = drawn.sample(file["spans"], min(wanted, len(file["spans"])))
    forms: list[tuple[str, Callable[[str, str], str]]] = [("psm", fim.psm), ("spm", fim.spm)]
    turn = drawn.randrange(2)
    for number, (start, end, _kind) in enumerate(sorted(spans)):
        mode, form = forms[(number + turn) % 2]
        prefix, suffix = prompts.window(text, start, end, params.complete_window_chars)
        middle = text[start:end].decode()
        yield _draft(
            file,
            task="complete",
            mode=mode,
            prompt=form(prefix, suffix),
            request="",
            completion=middle,
            query=prefix[-QUERY_CHARS:],
            content=[prefix, middle, suffix],
            start_byte=start,
            end_byte=end,
            start_line=text.count(b"\n", 0, start) + 1,
            end_line=text.count(b"\n", 0, max(start, end - 1)) + 1,
        )


def _draft(origin: Record, *, task: str, content: list[str], **fields: Any) -> Record:
    """An example with the provenance of what it is made from; `content` is what it has from the source: the same
    content makes the same example."""
    inherited = ("path", "language", "blob", "commit", "license")
    own = {key: origin[key] for key in inherited}
    for key in ("start_byte", "end_byte", "start_line", "end_line"):
        own[key] = fields.pop(key) if key in fields else origin[key]
    same = hashlib.sha256("\0".join([task, *content]).encode()).hexdigest()
    return {**own, **fields, "task": task, "same": same, "content": content}
