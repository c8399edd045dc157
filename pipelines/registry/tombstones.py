"""What is still known of a release that was removed: enough for the history, for `trace`, and to clear up after it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.registry.promotion_log import HIDDEN
from pipelines.registry.release import Release

REMOVED = HIDDEN + "nocturne.removed."


@dataclass(frozen=True)
class Removed:
    """A release that is no longer kept.

    Attributes:
        at: when it was removed, UTC.
        dataset_dvc: what its dataset was called; another release may still keep it.
        index_version: the index it had.
        began_with: the release whose adapter its training began with.
    """

    version: int
    at: str
    commit: str
    dataset_sha256: str
    dataset_dvc: str
    index_version: str
    began_with: int | None = None


def write_tombstone(release: Release) -> str:
    """The value of its tag at the registered model: `REMOVED` and the version's number are the key."""
    manifest = release.manifest
    known: dict[str, Any] = {"version": release.version, "at": datetime.now(UTC).isoformat()}
    for name in ("commit", "dataset_sha256", "dataset_dvc", "index_version"):
        known[name] = getattr(manifest, name)
    known["began_with"] = release.began_with
    return json.dumps(known)


def read_tombstones(tags: Mapping[str, str]) -> list[Removed]:
    """The inverse of `write_tombstone` for all of them, oldest first, with one that was announced and not removed."""
    return [Removed(**json.loads(tags[key])) for key in sorted(tags) if key.startswith(REMOVED)]
