"""The trash: what nothing needs any more waits there for some days before it is deleted.

Nothing is moved. The workspace keeps a list of what may go and since when; an item that is needed again, because a
release with the same index or the same dataset was made or an alias was moved, is taken off the list. So an item is
whole until the moment it is deleted, and a clearing that was wrong can be seen and stopped for days.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.records import read_json, write_json

FILE = Path("data") / ".trash.json"
ITEMS, AT_ONCE = "items", "at_once"


def update_trash(workspace: Path, scopes: Iterable[str], items: Iterable[str]) -> Mapping[str, datetime]:
    """Enter new items, take off those that are needed again; returns since when each item is in the trash.

    Args:
        scopes: beginnings of the names that `items` tells of; other items on the list stay as they are.
        items: names of everything of these scopes that nothing needs now, such as `moon/index/0123456789ab`.
    """
    file, now = workspace / FILE, datetime.now(UTC)
    said = _read(file)
    since, looked_at, wanted = said[ITEMS], tuple(scopes), set(items)
    kept = {name: at for name, at in since.items() if name in wanted or not name.startswith(looked_at)}
    entered = {name: now.isoformat(timespec="seconds") for name in sorted(wanted - kept.keys())}
    if entered or kept != since:
        write_json(file, {**said, ITEMS: {**kept, **entered}})
    return {name: datetime.fromisoformat(at) for name, at in {**kept, **entered}.items() if name in wanted}


def find_due(workspace: Path, project: str, since: Mapping[str, datetime], days: int) -> set[str]:
    """The items that have been in the trash for `days`; all of them after `empty_next_time` of this project."""
    if project in _read(workspace / FILE)[AT_ONCE]:
        return set(since)
    before = datetime.now(UTC) - timedelta(days=days)
    return {name for name, at in since.items() if at <= before}


def delete_due(workspace: Path, project: str, names: Iterable[str]) -> None:
    """Take items off the list: a clearing of the project has deleted them."""
    said, gone = _read(workspace / FILE), set(names)
    left = {name: at for name, at in said[ITEMS].items() if name not in gone}
    write_json(workspace / FILE, {ITEMS: left, AT_ONCE: [name for name in said[AT_ONCE] if name != project]})


def empty_next_time(workspace: Path, project: str) -> None:
    """Let the next clearing of a project delete everything that is in the trash by then.

    Code was forgotten, and must not wait there. A clearing of another project looks at other runs and indexes, and
    changes nothing of this.
    """
    said = _read(workspace / FILE)
    write_json(workspace / FILE, {**said, AT_ONCE: sorted({*said[AT_ONCE], project})})


def _read(file: Path) -> dict:
    said = read_json(file) if file.is_file() else {}
    return {ITEMS: said.get(ITEMS, {}), AT_ONCE: said.get(AT_ONCE, [])}
