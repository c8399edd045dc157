"""The identity of a dataset's row: the stage that makes a row names it by its content, the one that checks it looks."""

from pipelines.records import Record, fingerprint

NAMED_BY = ("task", "mode", "path", "start_byte", "end_byte", "prompt", "completion", "chosen", "rejected")


def example_id(row: Record) -> str:
    """16 hexadecimal digits that change with what a row teaches, or with where it is from in its file."""
    return fingerprint(*(row.get(key) for key in NAMED_BY))[:16]
