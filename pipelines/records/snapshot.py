"""What the snapshot stage writes: the source repository as it was tonight. From git, unless a field says otherwise."""

from typing import Annotated, NotRequired, TypedDict, final


class TrackedFile(TypedDict):
    """A file of the source that is taken."""

    path: Annotated[str, "its path from the source's root, with slashes"]
    blob: Annotated[str, "git's hash of its bytes in the working tree, 40 hexadecimal digits"]
    mode: Annotated[str, "git's file mode, such as `100644`"]
    size: Annotated[int, "bytes"]
    commit: Annotated[
        str,
        "the last commit that changed the path; with `-dirty` where its bytes are in no commit; `uncommitted` where "
        "the path is in none",
    ]
    dirty: Annotated[bool, "its bytes differ from those in HEAD"]
    attributes: Annotated[
        dict[str, bool],
        "`generated` and `vendored`, as far as `.gitattributes` sets linguist's attributes of that name",
    ]


@final
class SkippedFile(TypedDict):
    """A tracked file that is not read, and why. It is the line of `extraction/skipped.jsonl`, too."""

    path: Annotated[str, "its path from the source's root, with slashes"]
    reason: Annotated[str, "why it is not read, in words and with figures"]
    rule: Annotated[str, "the short name of the rule that it breaks"]


Item = TrackedFile | SkippedFile  # of snapshot.json; only the first has a `blob`


class Snapshot(TypedDict):
    """The source repository tonight."""

    commit: Annotated[str, "the commit that HEAD names"]
    files: Annotated[list[TrackedFile], "the files that are taken, by path"]
    skipped: Annotated[list[SkippedFile], "the tracked files that are not taken, by path"]


class BaseModel(TypedDict):
    """Which base model the night uses."""

    base_model: Annotated[str, "`training.base_model`: a folder, or a name at Hugging Face"]
    identity: Annotated[str, "SHA-256 that changes with the model's files"]


class RecentFile(TypedDict):
    """Which lines of a file were committed after the moment."""

    blob: Annotated[str, "git's hash of the bytes that were asked about"]
    lines: Annotated[list[list[int]], "ranges of lines, from 1: the first and the last line of each"]


class Recent(TypedDict):
    """What was committed after `dataset.split_after`; from `git blame`. Empty unless the split is by time."""

    after: Annotated[str, 'the moment: an ISO date or a commit; `""` when the split is not by time']
    commits: Annotated[list[str], "the commits after it"]
    files: Annotated[dict[str, RecentFile], "by path"]


class SuiteCase(TypedDict):
    """One request of a team's own test suite, and what the answer must be like. From `evaluation/suites/*.json`."""

    path: Annotated[str, "the suite's file; `workspace/…` for one of the workspace"]
    name: Annotated[str, "the case's name, once in its suite"]
    prompt: Annotated[str, "the request"]
    expected_patterns: Annotated[list[str], "regular expressions, each of which the answer must hold"]
    forbidden_patterns: Annotated[list[str], "regular expressions, none of which the answer may hold"]
    must_compile: Annotated[bool, "the answer, or the first fenced block in it, must compile"]
    language: Annotated[str, 'the language that must compile; `""` where nothing must']


class Baseline(TypedDict, total=False):
    """How the live release's dataset is distributed, for drift. Nothing is in it when no release is live."""

    release: Annotated[int, "the release whose adapter was trained on that dataset"]
    edges: Annotated[dict[str, list[float]], "where the bins of `length` (characters) and `quality` (0 to 1) end"]
    counts: Annotated[
        dict[str, dict[str, int]],
        "rows by category or bin, for `language`, `recipe`, `length`, `quality` and `left_out`",
    ]


class Champion(TypedDict):
    """What a training may begin with; from the live release. Nothing is in it without `training.warm_start`."""

    release: NotRequired[Annotated[int, "the live release's number"]]
    training: NotRequired[Annotated[str, "the hash of what it was trained of: registries may give two the same number"]]
    base_identity: NotRequired[Annotated[str, "`identity` of the base model that it was trained on"]]
    paths: NotRequired[Annotated[list[str], "the files that it learned, and those that it began with had learned"]]
