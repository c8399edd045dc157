"""Which tracked paths the user wants read."""

from collections.abc import Callable

from pathspec import GitIgnoreSpec

from pipelines.errors import UsageError
from pipelines.source.tracked import Skipped


def make_matcher(include: list[str], exclude: list[str]) -> Callable[[str], Skipped | None]:
    """Why a path is not taken: it matches no pattern of `include`, or one of `exclude`; both as in .gitignore.

    Raises:
        UsageError: a pattern is not one.
    """
    wanted, unwanted = _spec("include", include), _spec("exclude", exclude)

    def unchosen(path: str) -> Skipped | None:
        if not wanted.match_file(path):
            return Skipped(path, "matches no pattern of snapshot.include", "snapshot.include")
        found = unwanted.check_file(path)
        if not found.include:
            return None
        return Skipped(path, f"matches `{exclude[found.index or 0]}` of snapshot.exclude", "snapshot.exclude")

    return unchosen


def _spec(name: str, patterns: list[str]) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(patterns)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"snapshot.{name} holds a pattern that is not one: {error}.",
            "Write it as in .gitignore.",
        ) from None
