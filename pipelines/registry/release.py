"""One release, as MLflow's registry has it: a model version, its manifest and its files."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.records import read_json
from pipelines.registry.artifacts import Artifacts
from pipelines.registry.manifest import ADAPTER, Manifest


@dataclass(frozen=True)
class Release:
    """One model version.

    Attributes:
        files: those of the run that it was made from: the adapter, and what was measured.
        aliases: of `champion`, `challenger`, `previous` and a person's own, those that point here.
    """

    project: str
    version: int
    created: str
    files: Artifacts
    manifest: Manifest
    aliases: tuple[str, ...]

    @property
    def adapter(self) -> Path:
        """The folder with the adapter's files."""
        return self.files.path(ADAPTER)

    @property
    def adapter_version(self) -> int:
        """The release that its adapter was made for: itself, unless a night released its index alone."""
        return self.version if self.manifest.adapter_from is None else self.manifest.adapter_from

    @property
    def began_with(self) -> int | None:
        """The release whose adapter its training began with; None when it began with none."""
        file = self.adapter / "training.json"
        said = read_json(file).get("warm_start", {}) if file.is_file() else {}
        number: int | None = said.get("release")
        return number

    @property
    def index_version(self) -> str:
        """The index that belongs to the adapter."""
        return self.manifest.index_version

    @property
    def encoder(self) -> str:
        """The model that made the index's vectors."""
        return self.manifest.encoder

    @property
    def base_model(self) -> str:
        """The model that the adapter was trained on."""
        return self.manifest.base_model

    def facts(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        head = {
            "project": self.project,
            "version": self.version,
            "created": self.created,
            "aliases": list(self.aliases),
            "run": self.files.run,
        }
        return {**head, "adapter": self.files.where(ADAPTER), **asdict(self.manifest)}
