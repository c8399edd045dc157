"""The second scanner: Kingfisher (https://github.com/mongodb/kingfisher), native code in this process.

Only its detection is used; it opens no connection. Validation, revocation and updates are other classes of it.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from pipelines.cleaning.placeholders import is_placeholder
from pipelines.cleaning.span import Span

if TYPE_CHECKING:
    from kingfisher_sdk import Scanner

NAME = "kingfisher"
SECONDS = 60.0  # for one file; past it the file stays out


def scan(source: bytes, path: str) -> Iterator[Span]:
    """What its rules of every confidence find. The path is not shown to it: some of its rules pass test folders.

    Raises:
        TimeoutError: after `SECONDS`.
    """
    for found in _scanner().scan(source, timeout=SECONDS):
        if not is_placeholder(found.secret):
            where = found.location
            yield Span(where["start_offset"], where["end_offset"], _kind(found.rule_id), NAME, "secret")


@cache
def _scanner() -> "Scanner":
    """Compiled once a process, and kept on disk between processes where $KF_RULE_CACHE_DIR says."""
    from kingfisher_sdk import Rules, Scanner

    return Scanner(Rules(confidence="low"))


def _kind(rule: str) -> str:
    return rule.split(".", 1)[-1]
