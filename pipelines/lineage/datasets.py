"""The datasets of a project's releases, as DVC keeps them."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.dag import dvc
from pipelines.errors import NocturneError, UsageError
from pipelines.project import Project
from pipelines.records import file_sha256, read_jsonl
from pipelines.records.dataset import Example
from pipelines.registry.release import Release
from pipelines.registry.releases import Releases
from pipelines.registry.tombstones import Removed

SPLITS = ("train", "holdout")


@dataclass(frozen=True)
class Dataset:
    """One dataset that releases were trained on.

    Attributes:
        sha256: of its train.jsonl, as the releases name it.
        releases: those trained on it, newest first.
        removed: the numbers of those that are no longer kept, oldest first.
        heirs: the numbers of other releases that are kept whose training began with the adapter of one of these, or of
            one that did; what it had learned they have learned, too.
        files: by their name in the dataset's folder; None when DVC's cache no longer has them.
    """

    sha256: str
    releases: tuple[Release, ...]
    removed: tuple[int, ...]
    heirs: tuple[int, ...]
    files: dict[str, Path] | None

    def examples(self) -> Iterator[tuple[str, Example]]:
        """Every example with its split, "train" or "holdout"; none when the files are gone."""
        if self.files is not None:
            for split in SPLITS:
                yield from ((split, row) for row in read_jsonl(self.files[f"{split}.jsonl"], Example))


def known_datasets(project: Project) -> list[Dataset]:
    """The datasets of all releases, that of the newest release first; then those that only removed releases had. A
    release that nothing was trained for has none.

    Of the latter nothing is looked for: what DVC's cache may still have of them is there by chance.
    """
    releases = Releases(project)
    every, removed = releases.every(), releases.removed()
    lines = _lines(every, removed)
    kept: dict[str, list[Release]] = {}
    for release in every:
        if release.manifest.dataset_dvc:
            kept.setdefault(release.manifest.dataset_dvc, []).append(release)
    gone: dict[str, list[Removed]] = {}
    for one in removed:
        if one.dataset_dvc:
            gone.setdefault(one.dataset_dvc, []).append(one)
    found = []
    for name in dict.fromkeys((*kept, *gone)):
        some, former = tuple(kept.get(name, ())), tuple(one.version for one in gone.get(name, ()))
        heirs = _heirs(lines, {*(release.version for release in some), *former}, every)
        sha256 = some[0].manifest.dataset_sha256 if some else gone[name][0].dataset_sha256
        found.append(Dataset(sha256, some, former, heirs, dvc.read_stored(project, name) if some else None))
    return found


def _lines(every: Sequence[Release], removed: Sequence[Removed]) -> dict[int, set[int]]:
    """Of each release those that its adapter goes back to: the one that its training began with, and so on."""
    parents = {one.version: one.began_with for one in every} | {one.version: one.began_with for one in removed}
    lines: dict[int, set[int]] = {}
    for version in parents:
        parent, line = parents[version], set[int]()
        while parent is not None and parent not in line:
            line.add(parent)
            parent = parents.get(parent)
        lines[version] = line
    return lines


def _heirs(lines: dict[int, set[int]], trained: set[int], every: Sequence[Release]) -> tuple[int, ...]:
    return tuple(one.version for one in every if one.version not in trained and lines[one.version] & trained)


def restore(project: Project, number: int, folder: Path) -> list[Path]:
    """Copy the dataset of a release into a folder, bit for bit; returns its files.

    Raises:
        UsageError: there is no such release, or it has no dataset.
        NocturneError: the folder is not empty, or DVC no longer has the dataset whole.
    """
    manifest = Releases(project).version(number).manifest
    if not manifest.dataset_dvc:
        raise UsageError(
            f"Release {number} has no dataset: nothing was trained for it, the base model answers.",
            "Choose one with an adapter of its own: `nocturne releases` lists them.",
        )
    if folder.exists() and any(folder.iterdir()):
        raise NocturneError(f"{folder} is not empty.", "Name another folder with --to.")
    files = dvc.read_stored(project, manifest.dataset_dvc)
    if files is None:
        raise NocturneError(
            f"DVC's cache no longer has the dataset of release {number} ({manifest.dataset_dvc}).",
            "Check out the release's commit and run `dvc repro`, or bring .dvc/cache back from a backup.",
        )
    if file_sha256(files["train.jsonl"]) != manifest.dataset_sha256:
        raise NocturneError(
            f"What DVC's cache has as {manifest.dataset_dvc} is not the dataset that release {number} names.",
            "The cache is damaged: bring .dvc/cache back from a backup.",
        )
    made = []
    for name, stored in sorted(files.items()):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(stored, target)
        made.append(target)
    return made
