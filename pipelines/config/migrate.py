"""`nocturne migrate`: the settings as today's version writes them, and params.yaml as it is shipped."""

from collections.abc import Iterator
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from pipelines.config import layers
from pipelines.config.layers import LOCAL, PARAMS, SHIPPED
from pipelines.config.modes import current_name, has_former_mode
from pipelines.records import Record, write_atomic

KEPT = Path("data") / "params.before-migrate.yaml"


def migrate(workspace: Path) -> list[Record]:
    """Write former names as they are today in both files; move what a person set in params.yaml to params.local.yaml,
    with its comments, and put the shipped params.yaml back. Untouched where there is nothing to do.

    The former params.yaml is kept as data/params.before-migrate.yaml, of a second migration as
    data/params.before-migrate-2.yaml and so on: comments on values as shipped do not move.

    Returns:
        each change: setting, from, to; what moved goes to `params.local.yaml`, a missing key comes from None.

    Raises:
        UsageError: a file cannot be read.
    """
    edited, local = layers.read_layers(workspace)
    changes: list[Record] = []
    if has_former_mode(local):
        layers.rewrite(workspace / LOCAL, lambda document: changes.extend(rename_mode(document)))
        local = layers.read_layers(workspace)[1]
    file = workspace / PARAMS
    document = layers.make_yaml().load(file.read_bytes().decode())
    changes += rename_mode(document)
    former = {change["setting"] for change in changes}
    changes += [_row_of_missing(key) for key in layers.merge(edited, local)[1]]
    order = list(document["projects"]) if isinstance(document.get("projects"), dict) else []
    _remove_shipped(document, layers.shipped_values(), order)
    changes += [row for row in _rows_of_moved(document) if row["setting"] not in former]
    if changes:
        _write(workspace, document)
    return changes


def rename_mode(values: Any) -> list[Record]:
    """Write a former name of `training.mode` as it is today, in place; returns the change as setting, from and to."""
    if not has_former_mode(values):
        return []
    training = values["training"]
    former = training["mode"]
    training["mode"] = current_name(former)
    return [{"setting": "training.mode", "from": former, "to": training["mode"]}]


def _row_of_missing(key: str) -> Record:
    return {"setting": key, "from": None, "to": layers.value_at(layers.shipped_values(), key)}


def _remove_shipped(document: Any, shipped: layers.Values, order: list[str]) -> None:
    """Leave what is not as shipped. Projects keep their order: where it is another, all of them are left."""
    for key in [key for key in document if key in shipped]:
        value, as_shipped = document[key], shipped[key]
        if key == "projects" and isinstance(value, dict):
            _remove_projects(value, as_shipped, order)
        elif isinstance(value, dict) and isinstance(as_shipped, dict):
            _remove_shipped(value, as_shipped, [])
        if document[key] == as_shipped or document[key] == {}:
            del document[key]


def _remove_projects(projects: Any, shipped: layers.Values, order: list[str]) -> None:
    if order[: len(shipped)] != list(shipped):
        projects.update({name: None for name in shipped if name not in projects})
        return
    for name in shipped:
        if isinstance(projects[name], dict):
            _remove_shipped(projects[name], shipped[name], [])
        if projects[name] == {}:
            del projects[name]


def _rows_of_moved(document: Any, before: str = "") -> list[Record]:
    rows: list[Record] = []
    for key, value in document.items():
        if isinstance(value, dict) and before == "":
            rows += _rows_of_moved(value, f"{key}.")
        else:
            rows.append({"setting": f"{before}{key}", "from": PARAMS, "to": LOCAL})
    return rows


def kept_files(workspace: Path) -> list[Path]:
    """Every former params.yaml that a migration has kept, the first one first, as paths inside the workspace."""
    return list(takewhile(lambda file: (workspace / file).exists(), _names_of_kept()))


def _names_of_kept() -> Iterator[Path]:
    yield KEPT
    yield from (KEPT.with_stem(f"{KEPT.stem}-{number}") for number in count(2))


def _write(workspace: Path, document: Any) -> None:
    """params.local.yaml first: until params.yaml follows, both say the same."""
    free = next(file for file in _names_of_kept() if not (workspace / file).exists())
    write_atomic(workspace / free, (workspace / PARAMS).read_bytes())
    if document:
        layers.rewrite(workspace / LOCAL, lambda local: layers.lay_into(local, document, replace=False))
    write_atomic(workspace / PARAMS, SHIPPED.read_bytes())
