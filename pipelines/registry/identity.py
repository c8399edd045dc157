"""Which MLflow registry a workspace belongs to, and what each registry that it ever used says is needed.

A registry has an identity, a tag of one of its experiments. A workspace writes down the identity of the first registry
that it uses, and refuses another one until a person accepts it: a night with the wrong MLFLOW_TRACKING_URI, or with an
emptied database, would find no release, and clear what the releases of the right one need. For the same reason the
workspace keeps its own list of what the releases of each registry need: what one registry does not name, another may.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipelines.errors import NocturneError
from pipelines.records import read_json, write_json
from pipelines.registry.manifest import Manifest

FOLDER = Path("data") / ".registry"
CURRENT = "current.json"
TAG = "nocturne.registry"
HOMES = ("Default", "nocturne")  # the experiments that may bear the tag; the second is made where the first is deleted
ACCEPT = "To go on with this one, run `nocturne registry accept`; nothing that the other one names is deleted then."


@dataclass(frozen=True)
class Needs:
    """What the releases of one project need, besides their runs.

    Attributes:
        indexes: the names of index versions.
        folders: what DVC calls the folders of datasets, chunks and vectors.
    """

    indexes: frozenset[str] = field(default_factory=frozenset)
    folders: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Known:
    """A registry that the workspace has used.

    Attributes:
        id: its identity, a UUID.
        uri: where it was when it was last used.
        is_current: whether it is the one that the workspace belongs to.
        needs: what its releases needed then, by project.
    """

    id: str
    uri: str
    is_current: bool
    needs: Mapping[str, Needs]


def recorded_identities(workspace: Path) -> Mapping[str, str] | None:
    """The `id` and the `uri` of the registry that the workspace belongs to; None before the first use."""
    file = workspace / FOLDER / CURRENT
    return read_json(file) if file.is_file() else None


def check_registry(workspace: Path, mlflow: Any, uri: str) -> None:
    """Refuse a registry that is not the workspace's; a workspace without one takes it.

    Args:
        mlflow: a client of the registry.
        uri: where that is.

    Raises:
        NocturneError: it is another registry.
    """
    known = recorded_identities(workspace)
    if known is None:
        accept_registry(workspace, mlflow, uri)
    elif _read(mlflow) != known["id"]:
        raise _another(uri, known["uri"])
    elif known["uri"] != uri:  # the same one, by another address
        accept_registry(workspace, mlflow, uri)


def refuse_a_missing_database(workspace: Path, database: Path) -> None:
    """Refuse to make an empty database where the workspace's releases have been recorded.

    Raises:
        NocturneError: the file is missing or empty, and the workspace belongs to a registry.
    """
    known = recorded_identities(workspace)
    if known is None or (database.is_file() and database.stat().st_size):
        return
    if not known["uri"].endswith(str(database)):
        raise _another(str(database), known["uri"])
    raise NocturneError(
        f"{database} is missing or empty, and this workspace's releases are recorded in it.",
        f"Bring the file back from a backup. {ACCEPT}",
    )


def accept_registry(workspace: Path, mlflow: Any, uri: str) -> str:
    """Let the workspace belong to this registry from now on; returns its identity, which is made where it has none.

    What the releases of the former registry need stays listed and is kept. What those of this one need is listed before
    anything else: another registry may be next.
    """
    with suppress(OSError):
        (workspace / FOLDER).mkdir(parents=True, exist_ok=True)
        with FileLock(workspace / FOLDER / ".lock", timeout=30):
            found = _read(mlflow) or _mark(mlflow)
            known = {"id": found, "uri": uri}
            _list(workspace, known, _needs(mlflow))
            write_json(workspace / FOLDER / CURRENT, known)
            return found
    return _read(mlflow) or ""  # a workspace that cannot be written in cannot remember either


def write_needs(workspace: Path, project: str, needs: Needs) -> None:
    """List what the releases of a project need by the current registry. Nothing, before the first use."""
    known = recorded_identities(workspace)
    if known is None:
        return
    with FileLock(workspace / FOLDER / ".lock", timeout=30):
        _list(workspace, known, {project: needs})


def read_all_needs(workspace: Path) -> list[Known]:
    """All registries that the workspace has used and not given up, the current one first."""
    known = recorded_identities(workspace)
    if known is None:
        return []
    others = [file for file in sorted((workspace / FOLDER).glob("*.json")) if file.name != CURRENT]
    found = {file.stem: _known(file, known["id"]) for file in others}
    found.setdefault(known["id"], Known(known["id"], known["uri"], True, {}))
    return sorted(found.values(), key=lambda one: not one.is_current)


def needs_of_others(workspace: Path, project: str | None = None) -> Needs:
    """What the releases of all registries but the current one need: of one project, or of all."""
    wanted = [
        needs
        for known in read_all_needs(workspace)
        if not known.is_current
        for name, needs in known.needs.items()
        if project in (None, name)
    ]
    return Needs(_union(one.indexes for one in wanted), _union(one.folders for one in wanted))


def forget_registry(workspace: Path, identity: str) -> Known:
    """No longer keep what a former registry names; returns what it was.

    Raises:
        NocturneError: the workspace knows no such registry, or belongs to it.
    """
    found = next((known for known in read_all_needs(workspace) if known.id.startswith(identity)), None)
    if found is None or not identity:
        known = ", ".join(known.id[:8] for known in read_all_needs(workspace)) or "none"
        raise NocturneError(
            f"No registry `{identity}` is known here; known are {known}.", "See `nocturne registry list`."
        )
    if found.is_current:
        raise NocturneError(
            f"Registry {found.id[:8]} is the one that this workspace belongs to.",
            "Name a former one; `nocturne registry list` shows them.",
        )
    (workspace / FOLDER / f"{found.id}.json").unlink(missing_ok=True)
    return found


def versions(mlflow: Any) -> Iterator[Any]:
    """Every model version of a registry that a night made, of all projects."""
    token = None
    while True:
        page = mlflow.search_model_versions(max_results=1000, page_token=token)
        yield from (one for one in page if "nocturne.night" in one.tags)
        token = page.token
        if not token:
            return


def _needs(mlflow: Any) -> dict[str, Needs]:
    """What the releases of each project need, as the registry names it."""
    indexes, folders = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for one in versions(mlflow):
        with suppress(NocturneError):  # a version that a person made like a night's names nothing
            manifest = Manifest.of(one.tags)
            indexes[one.name].add(manifest.index_version)
            folders[one.name] |= manifest.folders
    return {name: Needs(frozenset(indexes[name]), frozenset(folders[name])) for name in indexes}


def _list(workspace: Path, known: Mapping[str, str], needs: Mapping[str, Needs]) -> None:
    file = workspace / FOLDER / f"{known['id']}.json"
    said = read_json(file) if file.is_file() else {"projects": {}}
    listed = {name: {"indexes": sorted(one.indexes), "folders": sorted(one.folders)} for name, one in needs.items()}
    changed = {"uri": known["uri"], "projects": {**said["projects"], **listed}}
    if changed != said:
        write_json(file, changed)


def _another(uri: str, recorded_uri: str) -> NocturneError:
    return NocturneError(
        f"MLflow at {uri} is not the registry that this workspace's releases are recorded in ({recorded_uri}).",
        f"Unset or correct MLFLOW_TRACKING_URI, or bring the database back from a backup. {ACCEPT}",
    )


def _read(mlflow: Any) -> str | None:
    for name in HOMES:
        home = mlflow.get_experiment_by_name(name)
        if home is not None and TAG in home.tags:
            return str(home.tags[TAG])
    return None


def _mark(mlflow: Any) -> str:
    homes = [mlflow.get_experiment_by_name(name) for name in HOMES]
    active = [home.experiment_id for home in homes if home is not None and home.lifecycle_stage == "active"]
    home = active[0] if active else mlflow.create_experiment(HOMES[-1])
    mlflow.set_experiment_tag(home, TAG, str(uuid.uuid4()))
    return str(mlflow.get_experiment(home).tags[TAG])


def _known(file: Path, current: str) -> Known:
    said = read_json(file)
    needs = {
        name: Needs(frozenset(one["indexes"]), frozenset(one["folders"])) for name, one in said["projects"].items()
    }
    return Known(file.stem, said["uri"], file.stem == current, needs)


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)
