"""Completing code where a person stands in the working tree: fill in the middle, by the live model."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.assistant.live import Live
from pipelines.assistant.writer import Writer, load_writer, tokens
from pipelines.errors import NocturneError, UsageError
from pipelines.model import prompts
from pipelines.params import Params
from pipelines.project import Project

PREFIX_SHARE = 2 / 3  # as in the training examples
MAX_FILE_BYTES = 8 * 1024 * 1024
MAX_WINDOW_TOKENS = 4096  # more context costs seconds and tells little
MAX_TOKEN_CHARS = 16  # no text has longer tokens on average; spares the tokenizer the far end of a long file
FORM_TOKENS = 8  # at most, around prefix and suffix
BROKEN = "\ufffd"  # half a character, where the cut went through one


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
    prompt = fim.psm(*_window(writer, prefix, suffix, limit))
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
        count = f"{len(lines)} line{'s' if len(lines) != 1 else ''}"
        raise UsageError(f"{path} has {count}; there is no line {line}.", "Name one that exists.")
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
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text.", "Name a source file.") from None


def _window(writer: Writer, prefix: str, suffix: str, max_new_tokens: int) -> tuple[str, str]:
    """As much around the gap as fits the model, cut at line ends: two thirds before it, more when little follows."""
    room = min(writer.max_length - max_new_tokens, MAX_WINDOW_TOKENS) - FORM_TOKENS
    before = _end_of(writer, prefix, int(room * PREFIX_SHARE))
    after = _start_of(writer, suffix, room - tokens(writer, before))
    return _end_of(writer, prefix, room - tokens(writer, after)), after


def _end_of(writer: Writer, text: str, room: int) -> str:
    near = text[-room * MAX_TOKEN_CHARS :]
    ids = writer.tokenizer.encode(near, add_special_tokens=False)
    if len(ids) <= room:
        return near
    kept: str = writer.tokenizer.decode(ids[len(ids) - room :])
    return kept.partition("\n")[2] or kept.lstrip(BROKEN)


def _start_of(writer: Writer, text: str, room: int) -> str:
    near = text[: room * MAX_TOKEN_CHARS]
    ids = writer.tokenizer.encode(near, add_special_tokens=False)
    if len(ids) <= room:
        return near
    kept: str = writer.tokenizer.decode(ids[:room])
    head, newline, _ = kept.rpartition("\n")
    return head + newline or kept.rstrip(BROKEN)
