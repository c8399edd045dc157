"""What a person, or a program, is shown of a hit: the definition that it names, with the first lines of that."""

from collections.abc import Sequence
from dataclasses import asdict
from textwrap import dedent

from pipelines.index import Hit
from pipelines.project import Project
from pipelines.records import Record
from pipelines.source.changes import file_states

PASSAGE = ("start_line", "end_line", "text")


def to_view(project: Project, hits: Sequence[Hit], lines: int) -> list[Record]:
    """Each hit as a record.

    `start_line` and `end_line` are those of the definition `symbol`, and of the passage where it names none; `text` is
    the source from `start_line` on, as far as the passage has it; `preview` its first `lines` lines; `passage` the
    whole passage with its lines. `state` is what became of the file since: "" or one of `source.changes`.
    """
    became = file_states(project.source, [(hit.path, hit.blob, hit.commit) for hit in hits])
    return [_record(hit, became[hit.path, hit.blob, hit.commit], lines) for hit in hits]


def definition_text(hit: Hit) -> str:
    """The source of the definition that a hit names, as far as its passage has it."""
    first = hit.symbol_start_line - hit.start_line
    return "\n".join(hit.text.split("\n")[first : first + hit.symbol_end_line - hit.symbol_start_line + 1])


def _record(hit: Hit, state: str, lines: int) -> Record:
    values, text = asdict(hit), definition_text(hit)
    passage = {key: values[key] for key in PASSAGE}
    own = {"start_line": values.pop("symbol_start_line"), "end_line": values.pop("symbol_end_line")}
    preview = dedent("\n".join(text.split("\n")[:lines]))
    return {**values, **own, "text": text, "preview": preview, "state": state, "passage": passage}
