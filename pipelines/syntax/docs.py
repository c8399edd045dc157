"""Documentation text: how each language writes it, and what remains without the marks."""

import ast
import inspect
import re
import textwrap
from dataclasses import dataclass


@dataclass(frozen=True)
class DocStyle:
    """How a language documents a definition; all empty means: by a string that opens the body.

    Attributes:
        line: what a line comment of documentation starts with (`///`), or "".
        block: what a block comment of documentation starts with (`/**`), or "".
        directive: matches whole comments that speak to tools, not to readers.
    """

    line: str = ""
    block: str = ""
    directive: str = r"(?!)"

    def is_line(self, comment: str) -> bool:
        """Whether a comment's source is a documentation line (`////` is none)."""
        mark = self.line
        if not mark or not comment.startswith(mark):
            return False
        return mark == "//" or not comment.startswith(mark + mark[-1])

    def is_block(self, comment: str) -> bool:
        """Whether a comment's source is a documentation block (`/***` and `/**/` are none)."""
        mark = self.block
        if not mark or not comment.startswith(mark) or comment == "/**/":
            return False
        return mark == "/*" or not comment.startswith(mark + "*")

    def text(self, comments: list[str]) -> str:
        """The words of adjacent documentation comments, top to bottom, without their marks."""
        kept = [comment for comment in comments if not re.match(self.directive, comment)]
        lines = [line for comment in kept for line in self._lines(comment)]
        return textwrap.dedent("\n".join(lines)).strip()

    def _lines(self, comment: str) -> list[str]:
        if self.is_line(comment):
            return [comment[len(self.line) :].rstrip()]
        first, *rest = comment[len(self.block) : -2].splitlines() or [""]
        starred = all(line.lstrip().startswith("*") for line in rest if line.strip())
        if starred:
            rest = [re.sub(r"^\s*\*", "", line) for line in rest]
            return [" " + first.strip(), *(line.rstrip() for line in rest)]
        body = textwrap.dedent("\n".join(rest)).splitlines()
        return [first.strip(), *(line.rstrip() for line in body)]


PYTHON = DocStyle()
JSDOC = DocStyle(block="/**")
RUSTDOC = DocStyle(line="///", block="/**")
GODOC = DocStyle(
    line="//",
    block="/*",
    directive=r"//(?:[a-z0-9]+:[a-z0-9]|line |export |extern |nolint)",  # https://go.dev/doc/comment
)


def string_text(expression: str) -> str | None:
    """What `ast.get_docstring` gives for a body that opens with this expression.

    None when the expression is no plain string (an f-string, bytes). A lone surrogate, which no
    file can hold, becomes U+FFFD.
    """
    try:
        value = ast.literal_eval(expression)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(value, str):
        return None
    return inspect.cleandoc(value).encode("utf-8", "surrogatepass").decode("utf-8", "replace")
