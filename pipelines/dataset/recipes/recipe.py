"""What a recipe is, what it draws from, and what it yields."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipelines.config.schema import Dataset
from pipelines.lm import prompts
from pipelines.project import Project
from pipelines.records import Record, read_jsonl

QUERY_CHARS = 400


@dataclass(frozen=True)
class Sources:
    """The files of earlier stages, read as they are asked for, and what decides how drafts are made of them.

    Attributes:
        tokenizer: the base model's.
        fim: its fill-in-the-middle tokens, or None when it has no such form.
        held_out: the paths of the holdout's files.
        trust_remote_code: whether an encoder may bring code along.
    """

    project: Project
    params: Dataset
    tokenizer: Any
    fim: prompts.FimTokens | None
    held_out: frozenset[str]
    trust_remote_code: bool = False

    def files(self) -> Iterator[Record]:
        """The lines of files.jsonl: path, language, blob, commit, license, text, spans."""
        return read_jsonl(self.project.path("extraction", "files.jsonl"))

    def symbols(self) -> Iterator[Record]:
        """The lines of symbols.jsonl, each with its file's license."""
        for symbol in read_jsonl(self.project.path("extraction", "symbols.jsonl")):
            yield {**symbol, "license": self._by_path[symbol["path"]]["license"]}

    def documented(self) -> Iterator[Record]:
        """The symbols with documentation of `dataset.min_doc_chars` or more."""
        return (symbol for symbol in self.symbols() if len(symbol["doc"]) >= self.params.min_doc_chars)

    def edits(self) -> Iterator[Record]:
        """The lines of edits.jsonl, each with its file's license of today, or "unknown"; `blob` is the later one."""
        licenses = {file["path"]: file["license"] for file in self.files()}
        for edit in read_jsonl(self.project.path("history", "edits.jsonl")):
            license = licenses.get(edit["path"], edit["license"])
            yield {**edit, "blob": edit["after_blob"], "license": license}

    def may_show(self, path: str, other: str) -> bool:
        """Whether an example of one file may show another file's text: never a held-out one's in training."""
        return path in self.held_out or other not in self.held_out

    def tokens(self, text: str) -> int:
        """How many tokens of the base model a text has."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def plain(self, text: str) -> bool:
        """Whether a text spells none of the base model's special tokens, so that a prompt may show it."""
        return not any(token in text for token in self._special)

    def room(self, *parts: str) -> int:
        """How many tokens an example of these parts leaves of `dataset.max_example_tokens`; negative when it has more.

        One is for the token that ends the completion.
        """
        return self.params.max_example_tokens - 1 - sum(self.tokens(part) for part in parts)

    def source(self, path: str) -> bytes:
        """The text of a file, as the byte ranges of its symbols count it."""
        text: str = self._by_path[path]["text"]
        return text.encode()

    @cached_property
    def _special(self) -> tuple[str, ...]:
        return tuple(self.tokenizer.all_special_tokens)

    @cached_property
    def _by_path(self) -> dict[str, Record]:
        return {file["path"]: {"license": file["license"], "text": file["text"]} for file in self.files()}


@dataclass(frozen=True)
class Recipe:
    """One way to make examples of a repository.

    Attributes:
        name: its switch under `dataset.recipes`, and the `task` of its examples.
        make: yields drafts: examples that nobody has yet counted, compared or split.
        wants: what it needs of a repository, for a person who sees that it made nothing.
    """

    name: str
    make: Callable[[Sources], Iterator[Record]]
    wants: str


def make_draft(origin: Record, *, task: str, content: list[str], alike: str = "", **fields: Any) -> Record:
    """An example with the provenance of what it is made from.

    Args:
        origin: a record of a file or a symbol.
        task: the recipe's name.
        content: what it has from the source: the same content makes the same example.
        alike: what recipes have in common whose examples of the same content are the same; by default the task alone.
        fields: mode, prompt, request, completion, query; and the range, where it is not the origin's.
    """
    inherited = ("path", "language", "blob", "commit", "license")
    own = {key: origin[key] for key in inherited}
    for key in ("start_byte", "end_byte", "start_line", "end_line"):
        own[key] = fields.pop(key) if key in fields else origin[key]
    same = hashlib.sha256("\0".join([alike or task, *content]).encode()).hexdigest()
    return {**own, **fields, "task": task, "same": same, "content": content}


def place_of(source: bytes, start: int, end: int) -> dict[str, Any]:
    """The fields of a draft that say where `source[start:end]` stands."""
    line_end = b"\n" if b"\n" in source else b"\r"  # as syntax/lines.py counts them
    first = source.count(line_end, 0, start) + 1
    last = source.count(line_end, 0, max(start, end - 1)) + 1
    return {"start_byte": start, "end_byte": end, "start_line": first, "end_line": last}


def format_messages(sources: Sources, request: str) -> dict[str, str]:
    """The fields of a draft in the chat form."""
    return {"mode": "chat", "request": request, "prompt": prompts.apply_chat_template(sources.tokenizer, request)}
