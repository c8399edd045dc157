"""Releases: model versions that hold an adapter and name everything it belongs with. `champion` is what is live."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.errors import NocturneError, UsageError
from pipelines.project import Project
from pipelines.registry.manifest import PREFIX, Manifest, Release
from pipelines.registry.tracking import client, exists, experiment, find_training

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
HISTORY = "nocturne.history."
REINDEXED = "nocturne.reindexed."
PASSED = "nocturne.gates_passed"


class Releases:
    """The releases of one project in MLflow's model registry."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.name = project.name
        self.client: Any = client(project.workspace) if exists(project.workspace) else None

    def every(self) -> list[Release]:
        """All releases, newest first."""
        model = self._model()
        if model is None:
            return []
        found = self.client.search_model_versions(f"name = '{self.name}'", max_results=1000)
        ours = [version for version in found if PREFIX + "night" in version.tags]
        return sorted((self._release(v, model.aliases) for v in ours), key=lambda r: -r.version)

    def at(self, alias: str) -> Release | None:
        """The release that an alias points to."""
        model = self._model()
        if model is None or alias not in model.aliases:
            return None
        return self._release(self.client.get_model_version(self.name, model.aliases[alias]), model.aliases)

    def champion(self) -> Release:
        """The live release.

        Raises:
            NocturneError: none is live.
        """
        found = self.at(CHAMPION)
        if found is None:
            raise NocturneError(
                f"No release of `{self.name}` is live.",
                f"Run `nocturne nightly {self.name}`; if it has releases, `nocturne promote VERSION`.",
            )
        return found

    def version(self, number: int) -> Release:
        """The release with this number.

        Raises:
            UsageError: there is none.
        """
        every = self.every()
        for release in every:
            if release.version == number:
                return release
        known = ", ".join(str(release.version) for release in every) or "none"
        raise UsageError(f"`{self.name}` has no release {number}; it has {known}.", "See `nocturne releases`.")

    def record(
        self,
        manifest: Manifest,
        adapter: Path,
        training: Path,
        reports: Iterable[Path],
        metrics: dict[str, float],
        passed: bool,
    ) -> str:
        """Store a candidate as an MLflow run with its files; returns the run's id. It is no release yet.

        Args:
            training: `training.json`; it stays beside the adapter, and says which files that was trained on.
        """
        self.client = self.client or client(self.project.workspace)
        where = experiment(self.client, self.project)
        watched = find_training(self.client, where, manifest.training)
        tags = {**manifest.tags(), PASSED: str(passed).lower()}
        tags["nocturne.training_run"] = watched.info.run_id if watched else ""
        run = self.client.create_run(where, run_name=f"night {manifest.commit[:7]}", tags=tags).info
        self.client.log_artifacts(run.run_id, str(adapter), "adapter")
        self.client.log_artifact(run.run_id, str(training), "adapter")
        for report in reports:
            if report.is_dir():
                self.client.log_artifacts(run.run_id, str(report), report.name)
            else:
                self.client.log_artifact(run.run_id, str(report))
        for key, value in metrics.items():
            self.client.log_metric(run.run_id, key, value)
        self.client.set_terminated(run.run_id)
        return str(run.run_id)

    def decided(self, night: str) -> bool | None:
        """Whether the candidate of this night's identity passed its gates; None if it was never measured."""
        run = self._measured(night)
        return None if run is None else run.data.tags[PASSED] == "true"

    def gates_of(self, night: str) -> list[dict[str, Any]]:
        """The gates as they were decided for this night's identity."""
        run = self._measured(night)
        return [] if run is None else Manifest.of(run.data.tags).gates

    def _measured(self, night: str) -> Any | None:
        if self.client is None or self.client.get_experiment_by_name(self.name) is None:
            return None
        rule = f"tags.`{PREFIX}night` = '{json.dumps(night)}' and attributes.status = 'FINISHED'"
        found = self.client.search_runs([experiment(self.client, self.project)], filter_string=rule, max_results=1)
        return found[0] if found else None

    def register(self, manifest: Manifest, run_id: str, promote: bool, by: str) -> Release:
        """Make a recorded candidate a release: visible at once with everything, then `challenger`, then live.

        A release of the same night, left by an interrupted one, is taken up where it was left.
        """
        if self._model() is None:
            self.client.create_registered_model(self.name)
        begun = next((release for release in self.every() if release.manifest.night == manifest.night), None)
        number = begun.version if begun else self._create(manifest, run_id)
        if promote:
            self.promote(number, by)
        else:
            self.client.set_registered_model_alias(self.name, CHALLENGER, str(number))
        return self.version(number)

    def carried_out(self, night: str, auto: bool) -> bool:
        """Whether what passed that night became what it should: live at some time, or with `review` a challenger."""
        made = next((release for release in self.every() if release.manifest.night == night), None)
        if made is None:
            return False
        was_live = CHAMPION in made.aliases or any(event["to"] == made.version for event in self.history())
        return was_live or (not auto and CHALLENGER in made.aliases)

    def _create(self, manifest: Manifest, run_id: str) -> int:
        where = self.client.get_run(run_id).info.artifact_uri
        made = self.client.create_model_version(self.name, f"{where}/adapter", run_id=run_id, tags=manifest.tags())
        return int(made.version)

    def promote(self, number: int, by: str) -> Release:
        """Make a release live. The alias move is the only moment at which anything changes for the assistant.

        Raises:
            UsageError: there is no such release.
        """
        target = self.version(number)
        live = self.at(CHAMPION)
        if live is not None and live.version != number:
            self.client.set_registered_model_alias(self.name, PREVIOUS, str(live.version))
        self.client.set_registered_model_alias(self.name, CHAMPION, str(number))
        if CHALLENGER in target.aliases:
            self.client.delete_registered_model_alias(self.name, CHALLENGER)
        now = datetime.now(UTC)
        event = {"at": now.isoformat(), "to": number, "from": live.version if live else None, "by": by}
        self.client.set_registered_model_tag(self.name, HISTORY + now.strftime("%Y%m%dT%H%M%S%f"), json.dumps(event))
        return self.version(number)

    def reindex(self, number: int, index_version: str, reason: str) -> None:
        """Give a release another index, in one step; the version's tags keep when and why.

        Raises:
            UsageError: there is no such release.
        """
        self.version(number)
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        self.client.set_model_version_tag(self.name, str(number), f"{REINDEXED}{now}", reason)
        self.client.set_model_version_tag(self.name, str(number), f"{PREFIX}index_version", json.dumps(index_version))

    def rollback(self, to: int | None) -> Release:
        """Make an earlier release live: the given one, or the former champion.

        Raises:
            NocturneError: there is no former champion.
        """
        if to is None:
            former = self.at(PREVIOUS)
            if former is None or CHAMPION in former.aliases:
                raise NocturneError(
                    f"`{self.name}` has no former champion to go back to.",
                    "Name a release: `nocturne rollback --to VERSION`; `nocturne releases` lists them.",
                )
            to = former.version
        return self.promote(to, "rollback")

    def history(self) -> list[dict[str, Any]]:
        """Every promotion and rollback, oldest first."""
        model = self._model()
        tags = model.tags if model else {}
        return [json.loads(tags[key]) for key in sorted(tags) if key.startswith(HISTORY)]

    def _model(self) -> Any | None:
        if self.client is None:
            return None
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_registered_model(self.name)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def _release(self, version: Any, aliases: dict[str, str]) -> Release:
        pointing = tuple(sorted(alias for alias, number in aliases.items() if str(number) == str(version.version)))
        created = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC).isoformat(timespec="seconds")
        return Release(
            project=self.name,
            version=int(version.version),
            created=created,
            adapter=self._files(version.run_id),
            manifest=Manifest.of(version.tags),
            aliases=pointing,
        )

    def _files(self, run_id: str) -> Path:
        """The adapter's folder: where MLflow keeps it on this machine, else a copy fetched once."""
        from urllib.parse import unquote, urlparse

        where = urlparse(self.client.get_run(run_id).info.artifact_uri)
        if where.scheme in ("", "file"):
            return Path(unquote(where.path)) / "adapter"
        copy = self.project.cache / "releases" / run_id
        if not (copy / "adapter" / "adapter_config.json").is_file():
            copy.mkdir(parents=True, exist_ok=True)
            self.client.download_artifacts(run_id, "adapter", str(copy))
        return copy / "adapter"
