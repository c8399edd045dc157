"""DVC's cache: which of its objects something still names, and removing the others.

`dvc gc` keeps what DVC's own files name, and knows nothing of releases: it would take the dataset of a release whose
dvc.lock was never committed. So its two halves are called here, `used_objs` and `gc`, with what releases name between.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.dag.dvc import open_repository
from pipelines.errors import NocturneError


@dataclass(frozen=True)
class Objects:
    """Some objects of the cache, with their bytes by their names."""

    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.sizes)

    @property
    def bytes(self) -> int:
        """What they take on disk."""
        return sum(self.sizes.values())

    def only(self, names: Collection[str]) -> "Objects":
        """Those of these names."""
        return Objects({name: size for name, size in self.sizes.items() if name in names})


def find_unreferenced(workspace: Path, folders: Iterable[str]) -> Objects:
    """What neither a release nor DVC names. DVC names what stands in the dvc.lock and the .dvc files of the working
    tree, of every branch and tag, and of every saved experiment: `dvc repro` and `dvc checkout` work there as before.

    Args:
        folders: those that releases keep, as `dvc.output_hash` gave their names.

    Raises:
        NocturneError: DVC cannot read the workspace, or is at work in it.
    """
    with _hashes_in_lock(workspace) as repo:
        return _unnamed(repo, folders)[1] if _own(repo, workspace) else Objects()


def clear(workspace: Path, folders: Iterable[str], names: Collection[str]) -> Objects:
    """Delete those of these objects that nothing names now, folders before the files in them, so that what is listed
    is whole. Returns what is gone.

    Raises:
        NocturneError: DVC cannot read the workspace, or is at work in it; or the disk failed.
    """
    from dvc_data.hashfile.gc import gc
    from dvc_data.hashfile.hash_info import HashInfo

    if not names:
        return Objects()
    with _hashes_in_lock(workspace) as repo:
        if not _own(repo, workspace):
            return Objects()
        used, found = _unnamed(repo, folders)
        gone = found.only(names)
        if gone.count:
            stay = used | (found.sizes.keys() - gone.sizes.keys())
            gc(repo.cache.local, [HashInfo("md5", name) for name in stay])
        return gone


def _unnamed(repo: Any, folders: Iterable[str]) -> tuple[set[str], Objects]:
    cache = repo.cache.local
    used: set[str] = set()

    def read_lock(file: str, error: Exception) -> None:
        """Of a commit without data/settings.json DVC cannot resolve dvc.yaml; its dvc.lock can be read all the same."""
        if not file.endswith("dvc.yaml"):
            raise error
        for folder in _read_lock(repo, Path(file).resolve().with_name("dvc.lock").as_posix()):
            used.update(_within(cache, folder))

    repo.stage_collection_error_handler = read_lock
    found = repo.used_objs(all_branches=True, all_tags=True, all_experiments=True, force=True)
    used |= {one.value for some in found.values() for one in some}
    for folder in folders:
        used |= _within(cache, folder)
    paths = {name: Path(cache.oid_to_path(name)) for name in cache.all() if name not in used}
    return used, Objects({name: path.stat().st_size for name, path in paths.items()})


def _read_lock(repo: Any, lock: str) -> list[str]:
    """The outputs of a dvc.lock, of the commit that DVC looks at, by their names in the cache."""
    from dvc.utils.serialize import load_yaml

    if not repo.fs.exists(lock):
        return []
    stages = load_yaml(lock, fs=repo.fs).get("stages", {})
    return [out["md5"] for stage in stages.values() for out in stage.get("outs", [])]


def _within(cache: Any, folder: str) -> set[str]:
    """A folder and its files; the folder alone when the cache has lost its list."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    try:
        return {folder, *(file.value for _, _, file in Tree.load(cache, HashInfo("md5", folder)))}
    except FileNotFoundError:
        return {folder}


def _own(repo: Any, workspace: Path) -> bool:
    """Whether the cache is this workspace's alone; one that others share (`dvc cache dir`) may be named by them."""
    return Path(repo.cache.local.path).resolve().is_relative_to(workspace.resolve())


@contextmanager
def _hashes_in_lock(workspace: Path) -> Iterator[Any]:
    try:
        with open_repository(workspace) as repo, repo.lock:
            yield repo
    except OSError as error:
        reason = " ".join(str(error).split())[:200]
        step = "Free disk space or look at the folder's permissions; then run `nocturne gc` again."
        raise NocturneError(f"DVC's cache in {workspace} cannot be cleared: {reason}", step) from error
