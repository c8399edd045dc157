"""What a recipe is, what it draws from, and what it yields."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypedDict, TypeVar

from pipelines.config.schema import Dataset
from pipelines.lm import prompts
from pipelines.project import Project
from pipelines.records import read_jsonl
from pipelines.records.dataset import Draft, PairDraft
from pipelines.records.extraction import File, Origin, Span, Symbol
from pipelines.records.history import Edit

QUERY_CHARS = 400
D = TypeVar("D", Draft, PairDraft)


class LicensedSymbol(Symbol):
    """A symbol with its file's license."""

    license: str


class LicensedEdit(Edit):
    """An edit with its file's license of today; `blob` is that of its later version."""

    blob: str


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

    def files(self) -> Iterator[File]:
        """The lines of files.jsonl."""
        return read_jsonl(self.project.path("extraction", "files.jsonl"), File)

    def symbols(self) -> Iterator[LicensedSymbol]:
        """The lines of symbols.jsonl, each with its file's license."""
        for symbol in read_jsonl(self.project.path("extraction", "symbols.jsonl"), Symbol):
            yield {**symbol, "license": self._by_path[symbol["path"]][0]}

    def documented(self) -> Iterator[LicensedSymbol]:
        """The symbols with documentation of `dataset.min_doc_chars` or more."""
        return (symbol for symbol in self.symbols() if len(symbol["doc"]) >= self.params.min_doc_chars)

    def edits(self) -> Iterator[LicensedEdit]:
        """The lines of edits.jsonl, each with its file's license of today, or "unknown"; `blob` is the later one."""
        licenses = {file["path"]: file["license"] for file in self.files()}
        for edit in read_jsonl(self.project.path("history", "edits.jsonl"), Edit):
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
        return self._by_path[path][1].encode()

    @cached_property
    def _special(self) -> tuple[str, ...]:
        return tuple(self.tokenizer.all_special_tokens)

    @cached_property
    def _by_path(self) -> dict[str, tuple[str, str]]:
        """Path → licence and text."""
        return {file["path"]: (file["license"], file["text"]) for file in self.files()}


@dataclass(frozen=True)
class Recipe(Generic[D]):
    """One way to make examples of a repository.

    Attributes:
        name: its switch under `dataset.recipes`, and the `task` of its examples.
        make: yields drafts: examples that nobody has yet counted, compared or split.
        wants: what it needs of a repository, for a person who sees that it made nothing.
    """

    name: str
    make: Callable[[Sources], Iterator[D]]
    wants: str


class Form(TypedDict):
    """How something is asked: the fields of a draft that say so."""

    mode: str
    prompt: str
    request: str


class Licensed(Origin):
    """What a draft inherits from the file, symbol or edit that it is made of."""

    license: str


class _Shared(Form, Licensed, Span):
    """What a draft and a draft of a pair have in common."""

    task: str
    same: str
    content: list[str]


def make_draft(
    origin: Licensed,
    place: Span,
    form: Form,
    *,
    task: str,
    completion: str,
    query: str,
    content: list[str],
    alike: str = "",
) -> Draft:
    """An example with the provenance of what it is made from.

    Args:
        origin: a record of a file, a symbol or an edit.
        place: where in it the example stands; the origin itself where that is all of it.
        task: the recipe's name.
        content: what it has from the source: the same content makes the same example.
        alike: what recipes have in common whose examples of the same content are the same; by default the task alone.
    """
    return {**_share(origin, place, form, task, content, alike), "completion": completion, "query": query}


def make_pair_draft(
    origin: Licensed, place: Span, form: Form, *, task: str, chosen: str, rejected: str, content: list[str]
) -> PairDraft:
    """A pair with the provenance of what it is made from; arguments are those of `make_draft`."""
    return {**_share(origin, place, form, task, content), "chosen": chosen, "rejected": rejected}


def _share(origin: Licensed, place: Span, form: Form, task: str, content: list[str], alike: str = "") -> _Shared:
    return {
        "path": origin["path"],
        "language": origin["language"],
        "blob": origin["blob"],
        "commit": origin["commit"],
        "license": origin["license"],
        "start_byte": place["start_byte"],
        "end_byte": place["end_byte"],
        "start_line": place["start_line"],
        "end_line": place["end_line"],
        **form,
        "task": task,
        "same": hashlib.sha256("\0".join([alike or task, *content]).encode()).hexdigest(),
        "content": content,
    }


def place_of(source: bytes, start: int, end: int) -> Span:
    """The fields of a draft that say where `source[start:end]` stands."""
    line_end = b"\n" if b"\n" in source else b"\r"  # as syntax/lines.py counts them
    first = source.count(line_end, 0, start) + 1
    last = source.count(line_end, 0, max(start, end - 1)) + 1
    return {"start_byte": start, "end_byte": end, "start_line": first, "end_line": last}


def format_messages(sources: Sources, request: str) -> Form:
    """The fields of a draft in the chat form."""
    return {"mode": "chat", "request": request, "prompt": prompts.apply_chat_template(sources.tokenizer, request)}
