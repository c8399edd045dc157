"""Completing code where a person stands in the working tree: fill in the middle, by the live model."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.assistant.protocols import Live
from pipelines.assistant.writer import Writer, load_writer, tokens
from pipelines.config.schema import Params
from pipelines.errors import NocturneError, UsageError
from pipelines.lm import prompts
from pipelines.project import Project
from pipelines.syntax.dialects import open_dialect
from pipelines.syntax.languages import language_of
from pipelines.syntax.notebooks import UnreadableNotebook
from pipelines.wording import format_count

MAX_FILE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Completion:
    """What would stand after the end of `line` of `path` (relative to the source, lines counted from 1)."""

    text: str
    path: str
    line: int
    notices: list[str] = field(default_factory=list)


def complete(
    project: Project, params: Params, live: Live, path: str, line: int, column: int | None = None
) -> Completion:
    """Continue the code at the end of a line, or at a column of it, before what follows in the file.

    Args:
        path: of a file in the source repository, relative to it or absolute.
        line: counted from 1.
        column: characters of that line that stand before the gap; all of them by default.

    Raises:
        UsageError: the file is not in the source, is not text, or has no such line or column.
        NocturneError: the base model is not to be had, or cannot fill in the middle.
    """
    file = _inside(project, path)
    prefix, suffix = _around(file, path, line, column)
    writer, notices = load_writer(project, live)
    fim = prompts.fim_tokens(writer.tokenizer)
    if fim is None:
        raise NocturneError(
            f"The base model {live.base_model} has no fill-in-the-middle tokens.",
            "Choose a code model as training.base_model, such as Qwen/Qwen2.5-Coder-1.5B-Instruct.",
        )
    limit = params.assistant.max_new_tokens
    chars = params.dataset.fim_window_chars
    prompt = _prompt(writer, fim, prefix, suffix, chars, writer.max_length - limit)
    relative = file.relative_to(project.source.resolve()).as_posix()
    return Completion(writer.generate([prompt], limit)[0], relative, line, notices)


def _inside(project: Project, path: str) -> Path:
    root = project.source.resolve()
    file = (root / Path(path).expanduser()).resolve()  # an absolute path replaces the root
    if not file.is_relative_to(root):
        raise UsageError(f"{path} is outside the source of {project.name}.", f"Name a file in {root}.")
    if not file.is_file():
        raise UsageError(f"{path} is not a file in {root}.", "Name it relative to the repository, as git does.")
    return file


def _around(file: Path, path: str, line: int, column: int | None) -> tuple[str, str]:
    text = _read(file, path)
    lines = [one for one in re.split(r"(?<=\n)", text) if one] or [""]
    if not 1 <= line <= len(lines):
        raise UsageError(
            f"{path} has {format_count(len(lines), 'line')}; there is no line {line}.", "Name one that exists."
        )
    bare = len(lines[line - 1].rstrip("\r\n"))
    at = bare if column is None else column
    if not 0 <= at <= bare:
        raise UsageError(
            f"Line {line} of {path} has {bare} characters; there is no column {at}.", "Name one that exists."
        )
    gap = sum(len(one) for one in lines[: line - 1]) + at
    return text[:gap], text[gap:]


def _read(file: Path, path: str) -> str:
    if file.stat().st_size > MAX_FILE_BYTES:
        raise UsageError(f"{path} is larger than {MAX_FILE_BYTES >> 20} MB.", "Name a source file.")
    source, language = file.read_bytes(), language_of(path)
    try:
        return (open_dialect(source, language)[0] if language else source).decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text.", "Name a source file.") from None
    except UnreadableNotebook as reason:
        raise UsageError(f"{path} is a notebook that is not read: {reason}.", "Name another file.") from None


def _prompt(writer: Writer, fim: prompts.FimTokens, before: str, after: str, chars: int, room: int) -> str:
    """The gap in a window of `chars` characters, as in training; in a smaller one where there is no room."""
    text, gap = (before + after).encode(), len(before.encode())
    while tokens(writer, prompt := fim.psm(*prompts.cut_window(text, gap, gap, chars))) > room:
        chars //= 2
    return prompt
