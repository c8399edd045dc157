"""Which files of the source are learned: what git tracks, less what the patterns and `nocturne forget` keep out."""

from pipelines.config.schema import Params
from pipelines.errors import NocturneError
from pipelines.project import Project
from pipelines.source.exclusions import FORGOTTEN, forgotten_filter
from pipelines.source.patterns import make_matcher
from pipelines.source.tracked import File, Skipped, tracked_files


def choose_files(project: Project, params: Params) -> tuple[list[File], list[Skipped]]:
    """The files that are taken and those that are not, each by path, as they stand in the working tree.

    Raises:
        NocturneError: git fails, or no tracked file is taken by the patterns.
    """
    unchosen = make_matcher(params.snapshot.include, params.snapshot.exclude)
    tracked, unread = tracked_files(project.source)
    gone = forgotten_filter(params.forgotten(project.name))
    paths = [item.path for item in tracked] + [item.path for item in unread]
    left = {path: item for path in paths if (item := unchosen(path)) is not None}
    left |= {file.path: Skipped(file.path, FORGOTTEN, "forgotten") for file in tracked if gone(file.path, file.blob)}
    taken = [file for file in tracked if file.path not in left]
    skipped = [item for item in unread if item.path not in left]
    if not taken and not skipped:
        raise NocturneError(
            f"None of the {len(tracked) + len(unread)} tracked files of {project.source} is taken by "
            "snapshot.include and snapshot.exclude.",
            "Widen snapshot.include in params.local.yaml.",
        )
    return taken, sorted((*skipped, *left.values()), key=lambda item: item.path)
