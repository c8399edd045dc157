"""Holds files of a project against the types that `pipelines/records/formats.py` lists for them."""

from pathlib import Path
from typing import Any

from typeguard import CollectionCheckStrategy, TypeCheckError, check_type

from pipelines.project import Project
from pipelines.records import read_json, read_jsonl
from pipelines.records.formats import FORMATS, Format

NOT_OURS = {Path("training/adapter/adapter_config.json")}  # PEFT's


def records_of(project: Project, each: Format) -> list[Any]:
    """The records of one file; of a file that is missing none."""
    file = project.path(*each.file.split("/"))
    if not file.is_file():
        return []
    if each.shape == "lines":
        return list(read_jsonl(file))
    return read_json(file) if each.shape == "list" else [read_json(file)]


def mismatches(project: Project) -> list[str]:
    """Each record that lacks a field, has one more, or has a value of another type: its file and what is wrong."""
    found = []
    for each in FORMATS:
        for number, record in enumerate(records_of(project, each), start=1):
            try:
                check_type(record, each.kind, collection_check_strategy=CollectionCheckStrategy.ALL_ITEMS)
            except TypeCheckError as error:
                found.append(f"{each.file}:{number}: {error}")
    return found


def unlisted(project: Project) -> list[str]:
    """JSON files that stages wrote and that `FORMATS` does not list."""
    stages = {each.stage for each in FORMATS}
    written = {path.relative_to(project.path()) for path in project.path().rglob("*.json*")}
    listed = {Path(each.file) for each in FORMATS}
    return sorted(path.as_posix() for path in written - listed - NOT_OURS if path.parts[0] in stages)
