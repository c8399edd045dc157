"""Test suites of a team: what a model must and must not write when it is asked, in files beside the code.

A suite is a JSON file in `evaluation/suites/` of the learned repository or of the workspace: a list of cases. Like all
text from outside it is cleaned before anything reads it.
"""

import json
import re
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipelines.cleaning.clean import clean
from pipelines.config.schema import Cleaning
from pipelines.errors import UsageError
from pipelines.project import Project
from pipelines.records import Record
from pipelines.source.reader import Reader, Unreadable
from pipelines.source.tracked import File

FOLDER = "evaluation/suites"
MAX_BYTES = 1 << 20


class Case(BaseModel):
    """One request, and what the answer to it must be like; patterns are regular expressions, found anywhere in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, Field(min_length=1)]
    prompt: Annotated[str, Field(min_length=1)]
    expected_patterns: list[str] = []
    forbidden_patterns: list[str] = []
    must_compile: bool = False
    language: str = ""

    @field_validator("expected_patterns", "forbidden_patterns")
    @classmethod
    def _are_patterns(cls, value: list[str]) -> list[str]:
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Case":
        if not (self.expected_patterns or self.forbidden_patterns or self.must_compile):
            raise ValueError("it has no pattern, and nothing must compile: every answer would pass")
        if self.must_compile and not self.language:
            raise ValueError("must_compile wants a language, such as python")
        return self


def read_suites(project: Project, tracked: list[File], cleaning: Cleaning) -> list[Record]:
    """The cases of every suite, each with the `path` of its file; those of the workspace last.

    Raises:
        UsageError: a file is no suite, is too large, or has something secret in it that keeps it out.
    """
    found = [*_tracked(project, [file for file in tracked if _is_suite(file.path)]), *_own(project)]
    return [case for path, source in found for case in _cases(path, source, cleaning)]


def _tracked(project: Project, wanted: list[File]) -> list[tuple[str, bytes]]:
    if not wanted:
        return []
    for file in wanted:
        _check(file.path, file.size)
    with Reader(project.source) as reader:
        try:
            return [(file.path, reader.read(file.path, file.blob, file.size)) for file in wanted]
        except Unreadable as error:
            raise _broken(wanted[0].path, str(error)) from None


def _own(project: Project) -> list[tuple[str, bytes]]:
    """Those of the workspace, unless it is the repository itself."""
    if project.source.resolve() == project.workspace.resolve():
        return []
    files = sorted((project.workspace / FOLDER).glob("*.json"))
    for file in files:
        _check(file.name, file.stat().st_size)
    return [(f"workspace/{FOLDER}/{file.name}", file.read_bytes()) for file in files]


def _is_suite(path: str) -> bool:
    place = PurePosixPath(path)
    return place.parent.as_posix() == FOLDER and place.suffix == ".json"


def _check(path: str, size: int) -> None:
    if size > MAX_BYTES:
        raise _broken(path, f"it has {size} bytes; a suite has at most {MAX_BYTES}")


def _cases(path: str, source: bytes, cleaning: Cleaning) -> list[Record]:
    cleaned = clean(source, path, cleaning)
    if cleaned.refused:
        raise _broken(path, cleaned.refused.reason)
    try:
        listed: Any = json.loads(cleaned.source)
    except ValueError as error:
        raise _broken(path, str(error)) from None
    if not isinstance(listed, list):
        raise _broken(path, "it is no list of cases")
    cases = [_case(path, number, one) for number, one in enumerate(listed)]
    names = [case["name"] for case in cases]
    if len(set(names)) != len(names):
        raise _broken(path, "two cases have the same name")
    return cases


def _case(path: str, number: int, value: Any) -> Record:
    try:
        return {"path": path, **Case.model_validate(value).model_dump()}
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in (number, *first["loc"]))
        raise _broken(path, f"case {where}: {first['msg']}") from None


def _broken(path: str, reason: str) -> UsageError:
    return UsageError(
        f"{path} is no test suite: {reason}.", "Correct it (docs/configuration.md shows a case), or delete it."
    )
