"""Jupyter notebooks as Python whose lines are those of the file.

Jupyter writes each line of a cell as a JSON string on a line of its own. The text that stands for a notebook has them,
decoded, on the lines where the file has them, and nothing on the others. So a line of the text is that line of the file
for git, for an editor and for every citation. Cells begin as in the percent format
(https://jupytext.readthedocs.io/en/latest/formats-scripts.html), with a `# %%` that gives the cell's number; prose is a
comment, and so is what IPython runs that is no Python. Outputs are left out.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.syntax.languages import language_named
from pipelines.syntax.parser import is_valid

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
# https://ipython.readthedocs.io/en/stable/interactive/magics.html
_CELL_MAGIC = re.compile(r"\s*%%(?!(?:capture|prun|time|timeit)\b)\w")
_MAGIC = re.compile(r"(?P<indent>\s*)(?:[!?]|%{1,2}\w|[\w.]+\?{1,2}\s*$|[\w., ]+=\s*(?:!|%\w))")


class UnreadableNotebook(Exception):
    """A notebook that cannot stand as Python with its own lines; says why."""


@dataclass(frozen=True)
class _Cell:
    """A cell: its number, from 1, its type, its first row in the file, and its lines with the rows they are on."""

    number: int
    kind: str
    first: int
    rows: list[int]
    lines: list[str]


def render(source: bytes) -> bytes:
    """The UTF-8 Python that stands for a notebook; it has as many lines as the notebook.

    Args:
        source: nbformat 4 (https://nbformat.readthedocs.io/en/latest/format_description.html).

    Raises:
        NotRead: it is no such notebook, is in another language, or has cells whose lines share a line of the file.
    """
    try:
        text = source.decode("utf-8-sig")
        notebook = json.loads(text)
    except ValueError:
        raise UnreadableNotebook("it is not JSON in UTF-8") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise UnreadableNotebook("it has no cells as nbformat 4 has them")
    language = _language(notebook.get("metadata"))
    if language != "python":
        raise UnreadableNotebook(f"its cells are {language}, and only Python's are read")
    out = [""] * (text.count("\n") + 1)
    for cell in _cells(text):
        if len(set(cell.rows)) < len(cell.rows) or any("\n" in line for line in cell.lines):
            raise UnreadableNotebook("its cells' lines are not lines of the file, as Jupyter writes them")
        if cell.rows and cell.rows[0] > cell.first:
            out[cell.rows[0] - 1] = f"# %% {cell.number}" + (" [markdown]" if cell.kind == "markdown" else "")
        for row, line in zip(cell.rows, _shown(cell), strict=True):
            out[row] = line
    return "\n".join(out).encode("utf-8", "replace")


def _language(metadata: Any) -> str:
    """By its kernel; Python where nothing is said."""
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        said = metadata.get(key) if isinstance(metadata, dict) else None
        if isinstance(said, dict) and isinstance(said.get(name), str):
            return str(said[name]).lower()
    return "python"


def _cells(text: str) -> Iterator[_Cell]:
    row, seen = 0, 0
    top = {key: at for key, _value, at in _parts(text, _skip(text, 0))}
    for number, (_key, cell, start) in enumerate(_parts(text, top["cells"]), start=1):
        if not isinstance(cell, dict):
            continue
        row, seen = row + text.count("\n", seen, start), start
        first, rows, lines = row, [], []
        at = {key: at for key, _value, at in _parts(text, start)}.get("source", start)
        said = cell.get("source")
        strings = _parts(text, at) if isinstance(said, list) else [("", said, at)]
        for _key, line, place in strings:
            if isinstance(line, str) and line:
                row, seen = row + text.count("\n", seen, place), place
                rows.append(row)
                lines.append(line.rstrip("\r\n"))
        yield _Cell(number, str(cell.get("cell_type")), first, rows, lines)


def _parts(text: str, at: int) -> Iterator[tuple[str, Any, int]]:
    """Of the JSON array or object at a place: each value, its key ("" in an array) and where it begins."""
    close = "}" if text[at] == "{" else "]"
    at = _skip(text, at + 1)
    while text[at] != close:
        key = ""
        if close == "}":
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        value, end = _DECODER.raw_decode(text, at)
        yield key, value, at
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _shown(cell: _Cell) -> Iterator[str]:
    """A cell's lines as Python. Magics are looked for only in what is none as it stands: `%name` can be a remainder."""
    if cell.kind != "code" or _CELL_MAGIC.match(next(filter(str.strip, cell.lines), "")):
        yield from (f"# {line}".rstrip() for line in cell.lines)
    elif is_valid("\n".join(cell.lines).encode("utf-8", "replace"), language_named("python")):
        yield from cell.lines
    else:
        yield from map(_commented, cell.lines)


def _commented(line: str) -> str:
    """A line that only IPython reads as a comment; in a block, where a statement must stand, as one with a comment."""
    magic = _MAGIC.match(line)
    if magic is None:
        return line
    indent = magic["indent"]
    return f"{indent}{'pass  ' if indent else ''}# {line[len(indent) :]}"
