"""Which tracked paths the user wants read."""

from collections.abc import Callable

from pathspec import GitIgnoreSpec

from pipelines.errors import UsageError


def chooser(include: list[str], exclude: list[str]) -> Callable[[str], bool]:
    """Whether a path matches a pattern of `include` and none of `exclude`; both as in .gitignore.

    Raises:
        UsageError: a pattern is not one.
    """
    wanted, unwanted = _spec("include", include), _spec("exclude", exclude)
    return lambda path: wanted.match_file(path) and not unwanted.match_file(path)


def _spec(name: str, patterns: list[str]) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(patterns)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"params.yaml: snapshot.{name} holds a pattern that is not one: {error}.",
            "Write it as in .gitignore.",
        ) from None
