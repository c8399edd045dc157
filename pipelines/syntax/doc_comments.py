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
        lines: what a line comment of documentation may start with (`///`), the longest first.
        blocks: what a block comment of documentation may start with (`/**`), the longest first.
        directive: matches whole comments that speak to tools, not to readers.
        frame: matches what says where the words stand (`<summary>`), and is no word of them.
    """

    lines: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    directive: str = r"(?!)"
    frame: str = r"(?!)"

    def is_line(self, comment: str) -> bool:
        """Whether a comment's source is a documentation line (`////` is none)."""
        return _mark(self.lines, comment) != ""

    def is_block(self, comment: str) -> bool:
        """Whether a comment's source is a documentation block (`/***` and `/**/` are none)."""
        return _mark(self.blocks, comment) != "" and comment != "/**/"

    def text(self, comments: list[str]) -> str:
        """The words of adjacent documentation comments, top to bottom, without their marks."""
        kept = [comment for comment in comments if not re.match(self.directive, comment)]
        lines = [line for comment in kept for line in self._lines(comment)]
        lines = [bare for line in lines if (bare := re.sub(self.frame, "", line)).strip() or bare == line]
        return textwrap.dedent("\n".join(lines)).strip()

    def _lines(self, comment: str) -> list[str]:
        if self.is_line(comment):
            return [comment[len(_mark(self.lines, comment)) :].rstrip()]
        words = re.sub(r"(?:\*+/|=end)\s*$", "", comment[len(_mark(self.blocks, comment)) :])
        first, *rest = words.splitlines() or [""]
        starred = all(line.lstrip().startswith("*") for line in rest if line.strip())
        if starred:
            rest = [re.sub(r"^\s*\*", "", line) for line in rest]
            return [" " + first.strip(), *(line.rstrip() for line in rest)]
        body = textwrap.dedent("\n".join(rest)).splitlines()
        return [first.strip(), *(line.rstrip() for line in body)]


def _mark(marks: tuple[str, ...], comment: str) -> str:
    """The mark that a comment starts with, or "". `////` is a rule drawn across, not a `///`."""
    mark = next((mark for mark in marks if comment.startswith(mark)), "")
    return "" if len(mark) > 2 and comment.startswith(mark + mark[-1]) else mark


PYTHON = DocStyle()
JSDOC = DocStyle(blocks=("/**",))
RUSTDOC = DocStyle(lines=("///",), blocks=("/**",))
GODOC = DocStyle(
    lines=("//",),
    blocks=("/*",),
    directive=r"//(?:[a-z0-9]+:[a-z0-9]|line |export |extern |nolint)",  # https://go.dev/doc/comment
)
# Doxygen, and the plain comment above a function that the GNU and Google styles ask for.
CDOC = DocStyle(
    lines=("///", "//!", "//"),
    blocks=("/**", "/*!", "/*"),
    directive=r"//\s*(?:NOLINT|clang-format|IWYU)|//[^\w\s]{4,}\s*$",
)
CSHARPDOC = DocStyle(lines=("///",), blocks=("/**",), frame=r"</?(?:summary|remarks|para)\s*/?>")
RDOC = DocStyle(
    lines=("#",),
    blocks=("=begin",),
    directive=r"#(?:!|#+\s*$|\s*(?:rubocop:|frozen_string_literal:|encoding:|-\*-|:nodoc:|typed:|@!|\+\+\s*$|--\s*$))",
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
