"""What one night works with: made once, when it begins, and handed to each of its steps."""

from dataclasses import dataclass

from pipelines.config.schema import Params
from pipelines.project import Project
from pipelines.registry.release import Release
from pipelines.registry.releases import CHAMPION, Releases


@dataclass(frozen=True)
class NightContext:
    """One night's project, settings and releases.

    Attributes:
        releases: one connection to the registry for the whole night.
        live: the release that `champion` pointed to when the night began; None when nothing was live. What compares
            tonight with the live release uses this one. What publishes a release looks at `champion` again.
    """

    project: Project
    params: Params
    releases: Releases
    live: Release | None

    @classmethod
    def begin(cls, project: Project, params: Params) -> "NightContext":
        """Open the registry and look at `champion`, once.

        Raises:
            NocturneError: MLflow cannot be read, or is another registry than the workspace's.
        """
        releases = Releases(project)
        releases.notice()
        return cls(project, params, releases, releases.at(CHAMPION))
