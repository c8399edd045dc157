"""Makes docs/formats.md, the page of the files in which stages meet, from the types of their records.

    python -m tools.docs.formats

writes the page. What is more than a field stands in `formats.md.jinja` beside this file.
"""

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.records.formats import FORMATS, FieldMeaning, Format, fields_of, nested_in, words_of
from pipelines.records.io import write_atomic

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
TEMPLATE = "formats.md.jinja"
SHAPES = {
    "lines": "Each line is one record.",
    "document": "The file is one record.",
    "list": "The file is a list of records.",
}


@dataclass(frozen=True)
class Table:
    """One record of the page.

    Attributes:
        name: of the record, in words.
        about: what it is: its docstring.
    """

    name: str
    about: str
    fields: list[FieldMeaning]


@dataclass(frozen=True)
class Entry:
    """One record of a stage, with every file that holds it.

    Attributes:
        files: below `data/<project>/`, all of the same record.
        shape: how many records a file has, as a sentence.
        inner: the records inside it that no entry before has shown.
    """

    files: list[str]
    shape: str
    table: Table
    inner: list[Table]


def render() -> str:
    """The page as Markdown."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    # Markdown and not HTML: nothing is escaped, and all of it is this repository's own.
    templates = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)  # noqa: S701
    templates.filters["cell"] = _cell
    return templates.get_template(TEMPLATE).render(stages=_stages())


def _stages() -> dict[str, list[Entry]]:
    """By stage, in the order of a night, its records; those that several files hold are shown once."""
    found: dict[str, list[Entry]] = {}
    shown: set[type[Any]] = set()
    for stage in dict.fromkeys(each.stage for each in FORMATS):
        own = [each for each in FORMATS if each.stage == stage]
        kinds = dict.fromkeys(each.kind for each in own)
        found[stage] = [_entry([each for each in own if each.kind is kind], shown) for kind in kinds]
    return found


def _entry(same: list[Format], shown: set[type[Any]]) -> Entry:
    kind = same[0].kind
    inner = [one for one in nested_in(kind) if one not in shown]
    shown.update(inner)
    files = [each.file for each in same]
    return Entry(files, SHAPES[same[0].shape], _table(kind), [_table(one) for one in inner])


def _table(kind: type[Any]) -> Table:
    return Table(words_of(kind), " ".join((inspect.getdoc(kind) or "").split()), fields_of(kind))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write_atomic(PAGE, render().encode())
