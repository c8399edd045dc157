"""The files of a run: read in place where MLflow keeps them on this machine, else fetched once and kept."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from pipelines.registry.tracking import explain_failures, open_client


@dataclass(frozen=True)
class Artifacts:
    """What one run has logged.

    Attributes:
        run: its id in MLflow.
        uri: where MLflow keeps its files.
        copies: where they are kept when that is another machine, in a folder a run.
    """

    run: str
    uri: str
    copies: Path
    workspace: Path

    @property
    def folder(self) -> Path | None:
        """The folder that holds them on this machine; None when they are elsewhere."""
        where = urlparse(self.uri)
        return Path(unquote(where.path)) if where.scheme in ("", "file") else None

    def where(self, name: str) -> str:
        """The path or the address of a file or folder; nothing is fetched."""
        return str(self.folder / name) if self.folder else f"{self.uri}/{name}"

    def path(self, name: str) -> Path:
        """A file or folder on this machine; it may be missing when it was never logged.

        Raises:
            NocturneError: it is elsewhere and cannot be fetched.
        """
        if self.folder is not None:
            return self.folder / name
        kept = self.copies / self.run / name
        if not kept.exists():
            self._fetch(name, kept)
        return kept

    def _fetch(self, name: str, kept: Path) -> None:
        """Fetched aside, then renamed: a copy is whole or absent. What was never logged stays absent."""
        aside = self.copies / f".{self.run}.{os.getpid()}.tmp"
        shutil.rmtree(aside, ignore_errors=True)
        with explain_failures("fetching a release's files"):
            mlflow, (folder, _, _) = open_client(self.workspace), name.rpartition("/")
            if name not in {one.path for one in mlflow.list_artifacts(self.run, folder or None)}:
                return
            aside.mkdir(parents=True)
            found = Path(mlflow.download_artifacts(self.run, name, str(aside)))
        kept.parent.mkdir(parents=True, exist_ok=True)
        found.replace(kept)
        shutil.rmtree(aside, ignore_errors=True)
