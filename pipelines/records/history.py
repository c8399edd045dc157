"""What the history stage writes: what commits did to functions. Offsets and lines are those of the later version."""

from typing import Annotated, TypedDict


class Replacement(TypedDict):
    """What stands in a function's place since a later commit."""

    signature: Annotated[str, "the source up to the body"]
    doc: Annotated[str, 'the documentation without its marks; `""` without any']
    body: Annotated[str, "the source of the body"]
    code: Annotated[str, "the whole function, with its documentation"]


class FunctionChange(TypedDict):
    """How one function differs between two versions of its file, as the parser finds it."""

    kind: Annotated[str, "`function`, `method` or `test`"]
    qualified_name: Annotated[str, "the names around it and its own"]
    signature: Annotated[str, "the later source up to the body"]
    doc: Annotated[str, 'the later documentation without its marks; `""` without any']
    body: Annotated[str, "the later source of the body"]
    before: Annotated[str, "the whole function before the commit, with its documentation"]
    after: Annotated[str, "the whole function after it, with its documentation"]
    start_byte: Annotated[int, "bytes from the later file's beginning to that of `after`"]
    end_byte: Annotated[int, "bytes from the later file's beginning to the end of `after`"]
    start_line: Annotated[int, "first line of `after`, from 1"]
    end_line: Annotated[int, "last line of `after`, from 1"]


class FileChange(FunctionChange):
    """The same, and in which file."""

    path_then: Annotated[str, "the file's name at `commit`"]
    language: Annotated[str, "the language's name"]
    before_blob: Annotated[str, "git's hash of the earlier file"]
    after_blob: Annotated[str, "git's hash of the later file"]


class Fate(TypedDict):
    """What became of a change."""

    fate: Annotated[
        str,
        "`reverted`: a later commit took it back. `fixed`: a commit that says it fixes something replaced a line of it "
        'within `history.fixed_within_days`. Else `""`',
    ]
    fate_commit: Annotated[str, 'the commit that did so; `""` without a fate']
    days: Annotated[float | None, "days from `commit` to `fate_commit`; null without a fate"]
    replaced_by: Annotated[Replacement | None, "what came instead; null where nothing is known of it"]


class EditOrigin(TypedDict):
    """Which commit made a change."""

    commit: Annotated[str, "the commit that changed it; from git"]
    parent: Annotated[str, 'the commit before; `""` for the first of a repository']
    committed: Annotated[str, "when it was committed: UTC, ISO 8601"]


class Edit(EditOrigin, FileChange, Fate):
    """One function that one commit changed."""

    path: Annotated[str, "today's name of its file"]
    message: Annotated[
        str, "the commit's message, without e-mail addresses, names, trailers and issue numbers; cleaned"
    ]
    license: Annotated[str, "always `unknown`: the dataset stage takes today's licence of `path`"]


class SkippedCommit(TypedDict):
    """A commit, or one file of it, that gives no edit, and why."""

    commit: Annotated[str, "the commit"]
    path: Annotated[str, 'the file; `""` for the whole commit']
    rule: Annotated[str, "the short name of the rule"]
    reason: Annotated[str, "why, in words and with figures"]


class CommitChanges(TypedDict):
    """All that one commit changed, as the cache keeps it."""

    edits: list[FileChange]
    respaced: int
    skipped: list["ChangedFileSkipped"]


class ChangedFileSkipped(TypedDict):
    """A changed file that was not read, as the cache keeps it."""

    path: str
    rule: str
    reason: str
