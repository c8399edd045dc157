"""What changes on disk, as it changes: a few files at once, thousands when they have come to rest."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from pipelines.errors import NocturneError

QUIET_MS = 5  # events this close together are one change: an editor's writing aside and renaming
AT_MOST_MS = 50  # of waiting for that
BEAT_MS = 250  # how often a watch without events looks up
MANY = 50  # paths: a branch switch, a formatter, a merge
REST_S = 10  # of waiting for those to end


@dataclass(frozen=True)
class Change:
    """Paths in which something was made, written, renamed or removed, and when that was noticed (`time.monotonic`).
    Without paths it is a beat: nothing has happened."""

    paths: frozenset[Path]
    at: float


def watch_changes(root: Path, index: Path, concerns: Callable[[Path], bool], stop: Event) -> Iterator[Change]:
    """Every change below a root, and of git's index wherever it lies. The first is a beat: from then on none is missed.

    Args:
        concerns: whether a path matters.
        stop: ends it, within a beat.

    Raises:
        NocturneError: the system cannot watch so many folders.
    """
    from watchfiles import watch

    # The folder, since git replaces the file; only that, if it is a worktree's.
    folders = [root] if index.is_relative_to(root) else [root, index.parent]
    pending: set[Path] = set()
    noticed = began = 0.0
    try:
        for batch in watch(
            *folders,
            watch_filter=None,  # which would be silent about what it leaves out, and there would be no beat
            debounce=AT_MOST_MS,
            step=QUIET_MS,
            rust_timeout=BEAT_MS,
            yield_on_timeout=True,
            stop_event=stop,
            raise_interrupt=False,
        ):
            noticed = time.monotonic()
            began = began if pending else noticed
            touched = {path for path in (Path(name) for _, name in batch) if concerns(path)}
            pending |= touched
            if len(pending) > MANY and touched and noticed - began < REST_S:
                continue
            yield Change(frozenset(pending), noticed)
            pending = set()
    except OSError as error:
        raise NocturneError(
            f"{root} cannot be watched: {error}",
            "Let the system watch more folders (on Linux `sysctl fs.inotify.max_user_watches=524288`), or set "
            "WATCHFILES_FORCE_POLLING=true.",
        ) from error
