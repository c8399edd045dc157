"""Which files of the source are learned: what git tracks, less what the patterns and `nocturne forget` keep out."""

from pipelines.errors import NocturneError
from pipelines.params import Params
from pipelines.project import Project
from pipelines.source.forgotten import FORGOTTEN, forgotten
from pipelines.source.patterns import chooser
from pipelines.source.tracked import File, Skipped, files


def chosen(project: Project, params: Params) -> tuple[list[File], list[Skipped]]:
    """The files that are taken and those that are not, each by path, as they stand in the working tree.

    Raises:
        NocturneError: git fails, or no tracked file is taken by the patterns.
    """
    unchosen = chooser(params.snapshot.include, params.snapshot.exclude)
    tracked, unread = files(project.source)
    gone = forgotten(params.forgotten(project.name))
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
