"""The text that a language model reads: requests in words, and fill-in-the-middle. One place, so that the base model,
training, evaluation and the assistant can never disagree about the format."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Passage(Protocol):
    """A piece of the repository shown to the model as context."""

    @property
    def path(self) -> str: ...
    @property
    def start_line(self) -> int: ...
    @property
    def end_line(self) -> int: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True)
class FimTokens:
    """The special tokens of fill-in-the-middle, as the base model's tokenizer spells them."""

    prefix: str
    suffix: str
    middle: str
    end: str
    file: str | None = None

    def psm(self, prefix: str, suffix: str) -> str:
        """Prefix, suffix, then the middle is asked for (Bavarian et al. 2022, arXiv:2207.14255)."""
        return f"{self.prefix}{prefix}{self.suffix}{suffix}{self.middle}"

    def spm(self, prefix: str, suffix: str) -> str:
        """Suffix first, so that the middle continues the prefix across one token only (ibid.)."""
        return f"{self.suffix}{suffix}{self.prefix}{prefix}{self.middle}"

    def with_context(self, prompt: str, passages: Sequence[Passage]) -> str:
        """Other files of the repository before the prompt, in the base model's repository form when it has one."""
        if not passages:
            return prompt
        if self.file is None:
            shown = "".join(f"{p.text}\n\n" for p in passages)
            return prompt.replace(self.prefix, self.prefix + shown, 1)
        return "".join(f"{self.file}{p.path}\n{p.text}\n" for p in passages) + self.file + "\n" + prompt


FIM_FAMILIES = (
    FimTokens("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|endoftext|>", "<|file_sep|>"),  # Qwen2.5-Coder
    FimTokens("<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<|endoftext|>", "<file_sep>"),  # StarCoder2
    FimTokens("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>", "<｜end▁of▁sentence｜>"),  # DeepSeek-Coder
    FimTokens("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_separator|>"),  # CodeGemma
    FimTokens("▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"),  # Code Llama
)


def fim_tokens(tokenizer: Any) -> FimTokens | None:
    """The fill-in-the-middle tokens that this tokenizer holds, or None when the model has no such form."""
    for family in FIM_FAMILIES:
        if all(_knows(tokenizer, token) for token in (family.prefix, family.suffix, family.middle, family.end)):
            return family
    return None


def _knows(tokenizer: Any, token: str) -> bool:
    found = tokenizer.convert_tokens_to_ids(token)  # an unknown token gets the id of another one
    return found is not None and bool(tokenizer.convert_ids_to_tokens(found) == token)


def cut_window(text: bytes, start: int, end: int, chars: int) -> tuple[str, str]:
    """What a model is shown of a file around the gap `text[start:end]`: two thirds before, one third after, cut at line
    ends where a line end is near. Training and the assistant cut alike: a small model is lost in a longer window."""
    before = text[max(0, start - 4 * chars) : start].decode(errors="ignore")[-chars * 2 // 3 :]
    after = text[end : end + 4 * chars].decode(errors="ignore")[: chars // 3]
    if len(before.encode()) < start and "\n" in before:
        before = before[before.index("\n") + 1 :]
    if "\n" in after and end + len(after.encode()) < len(text):
        after = after[: after.rindex("\n") + 1]
    return before, after


# How a language begins and ends a comment of one line; those that are not here begin it with two slashes.
COMMENTS = {"python": ("# ", ""), "ruby": ("# ", ""), "smalltalk": ('"', '"')}


def explain_prompt(qualified_name: str, path: str, language: str, code: str) -> str:
    """A request for the documentation of some code."""
    return f"Explain `{qualified_name}` in {path}.\n```{language}\n{code}\n```"


def implement_prompt(qualified_name: str, path: str, language: str, doc: str, signature: str) -> str:
    """A request for the body that belongs to a signature, and to a documentation where there is one."""
    told = f"{doc}\n" if doc else ""
    return f"Write the body of `{qualified_name}` in {path}.\n{told}```{language}\n{signature}\n```"


def edit_prompt(qualified_name: str, path: str, language: str, before: str, message: str) -> str:
    """A request for some code as it shall be, from how it is and what a commit's message says of the change."""
    return f"Change `{qualified_name}` in {path}: {message}\n```{language}\n{before}\n```"


def as_comment(language: str, text: str) -> str:
    """One line as a comment of that language."""
    opening, closing = COMMENTS.get(language, ("// ", ""))
    return f"{opening}{text}{closing}"


def list_declarations(language: str, path: str, doc: str, *lines: str) -> str:
    """Lines of another place in the repository, below its path and the first line of their documentation."""
    told = [as_comment(language, line) for line in (path, *doc.strip().splitlines()[:1])]
    return "\n".join([*told, *lines])


def add_declarations(request: str, language: str, declarations: Sequence[str]) -> str:
    """A request, preceded by what the code that it asks for depends on."""
    shown = "\n\n".join(declarations)
    return f"```{language}\n{shown}\n```\n{request}"


def unit_test_prompt(qualified_name: str, path: str, language: str, code: str, test_name: str, test_path: str) -> str:
    """A request for one test of some code."""
    return f"Write the test `{test_name}` in {test_path} of `{qualified_name}` in {path}.\n```{language}\n{code}\n```"


def section_question(path: str, headings: str) -> str:
    """A question about a part of a document."""
    return f"What does {path} say about {headings}?"


def purpose_question(qualified_name: str, path: str) -> str:
    """A question about some code, which is not shown."""
    return f"What does `{qualified_name}` in {path} do?"


def answer_prompt(question: str) -> str:
    """A question about the repository, to be answered from the passages before it."""
    return f"Answer from the code above and cite passages as [1], [2].\n{question}"


REWORDINGS = (
    (r"^Explain (`.+`) in (.+)\.$", r"Describe what \1 of \2 is for."),
    (r"^Write the body of (`.+`) in (.+)\.$", r"Implement \1, which stands in \2."),
    (r"^Change (`.+?`) in (.+?): ", r"Edit \1 of \2 as follows: "),
    (r"^Write the test (`.+`) in (.+) of (`.+`) in (.+)\.$", r"Test \3 of \4 by \1, which belongs into \2."),
    (r"^What does (`.+`) in (.+) do\?$", r"Tell the purpose of \1, which stands in \2."),
    (r"^What does (.+) say about (.+)\?$", r"Tell what stands in \1 on \2."),
)


def reword(request: str) -> str | None:
    """The same request in other words, or None when it is none of those above; what is shown with it stays."""
    for form, other in REWORDINGS:
        said, count = re.subn(form, other, request, count=1, flags=re.MULTILINE)
        if count:
            return said
    return None


def add_context(request: str, passages: Sequence[Passage]) -> str:
    """A request, preceded by numbered passages of the repository."""
    if not passages:
        return request
    shown = [f"[{n}] {p.path}:{p.start_line}-{p.end_line}\n```\n{p.text}\n```" for n, p in enumerate(passages, 1)]
    return "\n".join([*shown, request])


def apply_chat_template(tokenizer: Any, request: str) -> str:
    """The prompt that the tokenizer's chat template makes of one request, ready for the assistant's turn."""
    turn = [{"role": "user", "content": request}]
    prompt: str = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
    return prompt
