"""The index versions of a project beside the releases that name them; and serving while one of them is torn."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pipelines.config.layers import override
from pipelines.config.schema import Params
from pipelines.dag import dvc
from pipelines.errors import NocturneError, TornIndex
from pipelines.index import Inputs, is_present
from pipelines.index.versions import backup as backups
from pipelines.index.versions import maintain
from pipelines.index.versions.maintain import Held
from pipelines.night.lock import exclusive_lock
from pipelines.project import Project
from pipelines.records import read_jsonl
from pipelines.registry.champion_cache import read_champion
from pipelines.registry.release import Release
from pipelines.registry.releases import CHAMPION, Releases
from pipelines.source import git
from pipelines.source.changes import SAME, UNCOMMITTED, file_states

T = TypeVar("T")


def list_versions(project: Project, params: Params) -> list[dict[str, Any]]:
    """Every version that is there or that a release names, with these releases; the live one first.

    Raises:
        NocturneError: MLflow or the store cannot be read.
    """
    registry = Releases(project)
    live, releases = registry.at(CHAMPION), registry.every()
    held = {one.version: one for one in maintain.list_versions(project, params.index)}
    for release in releases:
        held.setdefault(release.index_version, Held(release.index_version, False, 0, None))
    rows = []
    for name, one in held.items():
        of = [release.version for release in releases if release.index_version == name]
        rows.append({**one.facts(), "releases": of, "live": live is not None and live.index_version == name})
    return sorted(rows, key=lambda row: (not row["live"], [-number for number in row["releases"]] or [0]))


def describe_live(project: Project, params: Params, release: Release) -> dict[str, Any]:
    """The index of the live release, for `status`; a server that does not answer is no reason to tell nothing else."""
    try:
        return maintain.inspect(project, params.index, release.index_version).facts()
    except NocturneError as error:
        return {"version": release.index_version, "error": error.fact}


def count_lag(project: Project, release: Release) -> dict[str, int] | None:
    """How far a release's index is behind the source: `commits` since, and tracked `files` that differ now from what
    was read of them; a night reads what is in no commit yet, too.

    Returns:
        None when the source no longer has the release's commit, or cannot be read.
    """
    commit = release.manifest.commit
    try:
        commits = git.run_git(project.source, "rev-list", "--count", f"{commit}..HEAD", "--")
        changed = git.run_git(project.source, "diff", "--name-only", "-z", commit, "--")
    except NocturneError:
        return None
    paths = [path.decode("utf-8", "surrogateescape") for path in changed.split(b"\0") if path]
    return {"commits": int(commits), "files": len(paths) - _as_read(project, release, paths)}


def _as_read(project: Project, release: Release, paths: list[str]) -> int:
    """How many of these files have the very bytes that a release's index was made of, as far as DVC's cache tells."""
    folder = release.manifest.index_dvc.get("extraction", "")
    kept = dvc.read_stored(project, folder) if paths else None
    if kept is None or "chunks.jsonl" not in kept:
        return 0
    wanted = set(paths)
    chunks = (chunk for chunk in read_jsonl(kept["chunks.jsonl"]) if chunk["path"] in wanted)
    became = file_states(project.source, {(chunk["path"], chunk["blob"], chunk["commit"]) for chunk in chunks})
    return sum(state in (SAME, UNCOMMITTED) for state in became.values())


def resolve_version(project: Project) -> list[str]:
    """The versions that releases name, the live one first, then those of the newest releases."""
    registry = Releases(project)
    live = registry.at(CHAMPION)
    newest = sorted(registry.every(), key=lambda release: -release.version)
    return list(dict.fromkeys([*([live.index_version] if live else []), *(one.index_version for one in newest)]))


def verify_version(project: Project, params: Params, version: str | None) -> dict[str, list[str]]:
    """What is wrong with one version, or with each that a release names."""
    return {
        name: maintain.verify(project, params, name) for name in ([version] if version else resolve_version(project))
    }


def rebuild_version(project: Project, params: Params, version: str | None) -> dict[str, str]:
    """Build one version again, or each that a release names and that is not whole; returns what failed, by version.

    Raises:
        NocturneError: a night is running, or the one that was named cannot be built.
    """
    with exclusive_lock(project):
        releases = Releases(project)
        if version:
            _rebuild(releases, params, version)
            return {version: ""}
        done = {}
        for name in [name for name, wrong in verify_version(project, params, None).items() if wrong]:
            try:
                _rebuild(releases, params, name)
                done[name] = ""
            except NocturneError as error:
                done[name] = f"{error.fact} → {error.next_step}"
        return done


def repair_live(releases: Releases, params: Params) -> None:
    """Build the live index again when it is not whole; every byte is read to see that. For a night's end.

    Raises:
        NocturneError: it cannot be built.
    """
    live = releases.at(CHAMPION)
    if live is not None:
        _rebuild(releases, params, live.index_version)


def _rebuild(releases: Releases, params: Params, version: str) -> None:
    maintain.rebuild(releases.project, params, version, _kept_versions(releases, version))


def _kept_versions(releases: Releases, version: str) -> Iterator[Inputs]:
    """What DVC's cache keeps for the releases that have this version."""
    for release in releases.every():
        folders = release.manifest.index_dvc
        if release.index_version == version and folders:
            files = [dvc.read_stored(releases.project, folders[stage]) for stage in ("extraction", "embedding")]
            chunks, vectors = (found or {} for found in files)
            if "chunks.jsonl" in chunks and {"vectors.npy", "embedding.json"} <= vectors.keys():
                damaged = "DVC's cache is damaged: bring .dvc/cache back from a backup."
                yield Inputs(chunks["chunks.jsonl"], vectors["vectors.npy"], vectors["embedding.json"], damaged)


def move(workspace: Path, params: Params, url: str) -> dict[str, list[str]]:
    """Bring every version that a release of any project names to another place, and only then write it to index.url.

    What is at the old place stays. Killed anywhere, it is begun again and goes on.

    Raises:
        UsageError: it is there already.
        NocturneError: a night is running, a version is not whole, or the new place fails.
    """
    to = params.index.model_copy(update={"url": url})
    moved: dict[str, list[str]] = {}
    projects = [params.project(name, workspace) for name in params.projects]
    with exclusive_lock(projects[0]):
        for project in projects:
            moved[project.name] = [
                maintain.move(project, params, to, name).version for name in resolve_version(project)
            ]
        override(workspace, {"index": {"url": url}})
    return moved


def backup(project: Project, params: Params, file: Path) -> list[str]:
    """Write every whole version that a release names to one file; returns their names.

    Raises:
        UsageError: the file is there already.
        NocturneError: the live version is not whole, or the disk fails.
    """
    versions = resolve_version(project)
    held = {name: maintain.inspect(project, params.index, name) for name in versions[1:]}
    kept = versions[:1] + [name for name, one in held.items() if one.whole]
    backups.backup(project, params, kept, file)
    return kept


def restore(project: Project, params: Params, file: Path) -> list[str]:
    """Build the versions of a backup that are not there whole.

    Raises:
        UsageError: the file is not a whole backup.
        NocturneError: a night is running, or a version cannot be built.
    """
    with exclusive_lock(project):
        return backups.restore(project, params, file)


def open_served(project: Project, params: Params, ask: Callable[[Release], T]) -> tuple[T, list[str]]:
    """Ask the live release; while its index is torn, the newest one before it that is whole, encoder and all.

    Returns:
        The answer, and what the user must know of where it comes from.

    Raises:
        NocturneError: none is live, or no other one is whole.
    """
    live = read_champion(project)
    try:
        return ask(live), []
    except TornIndex as torn:
        for former in _before(Releases(project), live):
            if former.index_version != live.index_version and is_present(project, params.index, former.index_version):
                notice = f"{torn.fact} Release {former.version} answers instead of release {live.version}."
                return ask(former), [f"{notice}\n→ {torn.next_step}"]
        raise


def _before(releases: Releases, live: Release) -> list[Release]:
    """The other releases that were live, newest first; one that waits or was never promoted does not answer."""
    once = [event["to"] for event in releases.history()]
    known = {release.version: release for release in releases.every()}
    order = dict.fromkeys(number for number in reversed(once) if number in known and number != live.version)
    return [known[number] for number in order]
