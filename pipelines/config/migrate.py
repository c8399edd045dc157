"""`nocturne migrate`: the settings as today's version writes them, and params.yaml as it is shipped."""

from pathlib import Path
from typing import Any

from pipelines import settings
from pipelines.former import has_former_gates, has_former_mode, modernise
from pipelines.records import Record, write_atomic
from pipelines.settings import LOCAL, PARAMS, SHIPPED

KEPT = Path("data") / "params.before-migrate.yaml"


def migrate(workspace: Path) -> list[Record]:
    """Write former names as they are today in both files; move what a person set in params.yaml to params.local.yaml,
    with its comments, and put the shipped params.yaml back. Untouched where there is nothing to do.

    The former params.yaml is kept as data/params.before-migrate.yaml: comments on values as shipped do not move.

    Returns:
        each change: setting, from, to; what moved goes to `params.local.yaml`, a missing key comes from None.

    Raises:
        UsageError: a file cannot be read.
    """
    edited, local = settings.layers(workspace)
    changes: list[Record] = []
    if has_former_mode(local) or has_former_gates(local):
        settings.rewrite(workspace / LOCAL, lambda document: changes.extend(modernise(document)))
        local = settings.layers(workspace)[1]
    file = workspace / PARAMS
    document = settings.yaml_document().load(file.read_bytes().decode())
    changes += modernise(document)
    former = {change["setting"] for change in changes}
    changes += [_added(key) for key in settings.merged(edited, local)[1]]
    order = list(document["projects"]) if isinstance(document.get("projects"), dict) else []
    _remove_shipped(document, settings.shipped(), order)
    changes += [row for row in _moved(document) if row["setting"] not in former]
    if changes:
        _write(workspace, document)
    return changes


def _added(key: str) -> Record:
    return {"setting": key, "from": None, "to": settings.at(settings.shipped(), key)}


def _remove_shipped(document: Any, shipped: settings.Values, order: list[str]) -> None:
    """Leave what is not as shipped. Projects keep their order: where it is another, all of them are left."""
    for key in [key for key in document if key in shipped]:
        value, as_shipped = document[key], shipped[key]
        if key == "projects" and isinstance(value, dict):
            _remove_projects(value, as_shipped, order)
        elif isinstance(value, dict) and isinstance(as_shipped, dict):
            _remove_shipped(value, as_shipped, [])
        if document[key] == as_shipped or document[key] == {}:
            del document[key]


def _remove_projects(projects: Any, shipped: settings.Values, order: list[str]) -> None:
    if order[: len(shipped)] != list(shipped):
        projects.update({name: None for name in shipped if name not in projects})
        return
    for name in shipped:
        if isinstance(projects[name], dict):
            _remove_shipped(projects[name], shipped[name], [])
        if projects[name] == {}:
            del projects[name]


def _moved(document: Any, before: str = "") -> list[Record]:
    rows: list[Record] = []
    for key, value in document.items():
        if isinstance(value, dict) and before == "":
            rows += _moved(value, f"{key}.")
        else:
            rows.append({"setting": f"{before}{key}", "from": PARAMS, "to": LOCAL})
    return rows


def _write(workspace: Path, document: Any) -> None:
    """params.local.yaml first: until params.yaml follows, both say the same."""
    text = (workspace / PARAMS).read_bytes()
    write_atomic(workspace / KEPT, text)
    if document:
        settings.rewrite(workspace / LOCAL, lambda local: settings.lay_into(local, document, replace=False))
    write_atomic(workspace / PARAMS, SHIPPED.read_bytes())
