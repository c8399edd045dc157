"""What must never be read again: paths, patterns and blobs that `nocturne forget` has put into params.yaml."""

import re
from collections.abc import Callable

from pathspec import GitIgnoreSpec

from pipelines.errors import UsageError

BLOB = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
FORGOTTEN = "forgotten: `nocturne forget` keeps it out (projects.<name>.forget in params.local.yaml)"


def forgotten_filter(entries: list[str]) -> Callable[[str, str], bool]:
    """Whether a file of this path and blob must stay out.

    Args:
        entries: git's whole name for a blob, 40 or 64 hexadecimal digits; anything else is a pattern as in .gitignore.

    Raises:
        UsageError: an entry is no pattern.
    """
    blobs = {entry for entry in entries if BLOB.fullmatch(entry)}
    try:
        spec = GitIgnoreSpec.from_lines([entry for entry in entries if entry not in blobs])
    except (ValueError, TypeError) as error:
        raise UsageError(f"`forget` holds a pattern that is not one: {error}.", "Write it as in .gitignore.") from None
    return lambda path, blob: blob in blobs or spec.match_file(path)
