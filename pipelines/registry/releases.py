"""Releases: model versions that hold an adapter and name everything it belongs with. `champion` is what is live."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipelines.errors import NocturneError, UsageError
from pipelines.project import Project
from pipelines.registry import identity, promotion_log, runs
from pipelines.registry.artifacts import Artifacts
from pipelines.registry.manifest import ADAPTER, PREFIX, Manifest
from pipelines.registry.release import Release
from pipelines.registry.runs import INDEX_FOLLOWS, OF_NIGHT, PASSED, TRAINING_RUN, Context, Recorded
from pipelines.registry.tombstones import REMOVED, Removed, read_tombstones, write_tombstone
from pipelines.registry.tracking import explain_failures, has_registry, open_client

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
REINDEXED = "nocturne.reindexed."
LOCK_WAIT = 30  # seconds; a move takes far less than one


class Releases:
    """The releases of one project in MLflow's model registry."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.name = project.name
        self.client: Any = open_client(project.workspace) if has_registry(project.workspace) else None

    def connect(self) -> None:
        """Make the database where there is none, so that the workspace belongs to a registry before it has an index.

        Raises:
            NocturneError: MLflow cannot be opened, or is not this workspace's registry.
        """
        self.client = self.client or open_client(self.project.workspace)

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
            UsageError: there is none, or none any more.
        """
        model = self._model()
        found = self._one(number) if model is not None else None
        if model is not None and found is not None:
            return self._release(found, model.aliases)
        known = ", ".join(str(release.version) for release in self.every()) or "none"
        gone = next((one for one in self.removed() if one.version == number), None)
        if gone is not None:
            fact = f"Release {number} of `{self.name}` was removed on {gone.at[:10]}; `{self.name}` has {known}."
            raise UsageError(fact, "Choose one of these. `release.keep` says how many are kept.")
        raise UsageError(f"`{self.name}` has no release {number}; it has {known}.", "See `nocturne releases`.")

    def record(
        self,
        manifest: Manifest,
        adapter: Path,
        training: Path,
        reports: Iterable[Path],
        metrics: Mapping[str, float],
        passed: bool,
        context: Context | None = None,
    ) -> str:
        """Store a candidate as an MLflow run with its files; returns the run's id. It is no release yet.

        Args:
            training: `training.json`; it stays beside the adapter, and says which files that was trained on.

        Raises:
            NocturneError: MLflow or the disk failed.
        """
        self.connect()
        files = {ADAPTER: [adapter, training], "": reports}
        return runs.record_run(self.client, self.project, manifest, files, metrics, passed, context or Context())

    def decided(self, night: str) -> bool | None:
        """Whether the last candidate passed its gates; None if it is not of this night's identity."""
        run = self._last(night)
        return None if run is None else run.data.tags[PASSED] == "true"

    def gates_of(self, night: str) -> list[dict[str, Any]]:
        """The gates as the last candidate was judged, if it is of this night's identity."""
        run = self._last(night)
        return [] if run is None else Manifest.of(run.data.tags).gates

    def _last(self, night: str) -> Any | None:
        run = runs.latest_run(self.client, self.project)
        said = [json.loads(run.data.tags[PREFIX + "night"]), run.data.tags.get(OF_NIGHT)] if run is not None else []
        return run if night in said else None

    def recorded(self, release: Release) -> Recorded:
        """Where a release comes from: its runs, its parameters, and what became of its index."""
        run = self.client.get_run(release.files.run)
        tags = self.client.get_model_version(self.name, str(release.version)).tags
        reasons = {key.removeprefix(REINDEXED): tags[key] for key in sorted(tags) if key.startswith(REINDEXED)}
        training = run.data.tags.get(TRAINING_RUN, "")
        return Recorded(release.files.run, run.info.experiment_id, training, run.data.params, reasons)

    def register(self, manifest: Manifest, run_id: str, promote: bool, by: str) -> Release:
        """Make a recorded candidate a release: visible at once with everything, then `challenger` or live.

        A release of the same night, left by an interrupted one, is taken up where it was left.

        Raises:
            NocturneError: MLflow failed.
        """
        with explain_failures("registering a release"):
            if self._model() is None:
                about = f"What Nocturne learned of {self.name}: a version is a release, `{CHAMPION}` is what is live."
                self.client.create_registered_model(self.name, description=about)
            begun = next((release for release in self.every() if release.manifest.night == manifest.night), None)
            number = begun.version if begun else self._create(manifest, run_id)
            if not promote and CHAMPION not in self.version(number).aliases:
                self.client.set_registered_model_alias(self.name, CHALLENGER, str(number))
            self.write_down_needs()
        return self.promote(number, by) if promote else self.version(number)

    def write_down_needs(self) -> None:
        """List in the workspace what these releases need, for a time when another registry is used."""
        every = self.every()
        indexes = frozenset(release.index_version for release in every)
        folders = frozenset().union(*(release.manifest.folders for release in every))
        identity.write_needs(self.project.workspace, self.name, identity.Needs(indexes, folders))

    def carried_out(self, night: str, auto: bool) -> bool:
        """Whether all that follows from the last decision, which must be of this night's identity, has been done.

        What passed has been live since, or waits as a challenger with `review`; so has the index that was released
        without the night's adapter. A person may have moved `champion` after that.
        """
        run = self._last(night)
        if run is None or run.data.tags.get(INDEX_FOLLOWS) == "true":
            return False
        if run.data.tags[PASSED] != "true" and OF_NIGHT not in run.data.tags:
            return True
        own = json.loads(run.data.tags[PREFIX + "night"])
        made = next((release for release in self.every() if release.manifest.night == own), None)
        if made is None:
            return False
        since = datetime.fromtimestamp(run.info.start_time / 1000, UTC).isoformat()
        was_live = any(event["to"] == made.version and event["at"] >= since for event in self.history())
        return was_live or CHAMPION in made.aliases or (not auto and CHALLENGER in made.aliases)

    def _create(self, manifest: Manifest, run_id: str) -> int:
        """One write: the version is there with its tags and its card, or it is not there."""
        from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

        run = self.client.get_run(run_id)
        made = self.client.create_model_version(
            self.name,
            f"{run.info.artifact_uri}/{ADAPTER}",
            run_id=run_id,
            tags=manifest.tags(),
            description=run.data.tags.get(MLFLOW_RUN_NOTE, ""),
        )
        return int(made.version)

    def promote(self, number: int, by: str) -> Release:
        """Make a release live. The alias move is the only moment at which anything changes for the assistant.

        Raises:
            UsageError: there is no such release.
            NocturneError: MLflow failed, or somebody else is moving `champion` and does not end.
        """
        with self._alone(), explain_failures("promoting a release"):
            self._settle()
            target = self.version(number)
            model = self._model()
            if model is not None and CHAMPION not in target.aliases:
                announced = promotion_log.make_announcement(model.tags, number, by)
                self.client.set_registered_model_tag(self.name, promotion_log.INTENT, announced)
                self.client.set_registered_model_alias(self.name, CHAMPION, str(number))
                self._settle()
        return self.version(number)

    def reindex(self, number: int, index_version: str, reason: str) -> None:
        """Give a release another index, in one step; the version's tags keep when and why.

        What the former one was made of is no longer the release's: it is let go of first.

        Raises:
            UsageError: there is no such release.
        """
        self.version(number)
        self.client.set_model_version_tag(self.name, str(number), f"{PREFIX}index_dvc", json.dumps({}))
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        self.client.set_model_version_tag(self.name, str(number), f"{REINDEXED}{now}", reason)
        self.client.set_model_version_tag(self.name, str(number), f"{PREFIX}index_version", json.dumps(index_version))
        self.write_down_needs()

    def rollback(self, to: int | None) -> Release:
        """Make an earlier release live: the given one, or the former champion.

        Raises:
            NocturneError: there is no former champion.
        """
        return self.promote(self.former() if to is None else to, "rollback")

    def former(self) -> int:
        """The number of the release that was live before.

        Raises:
            NocturneError: there is none.
        """
        self.notice()
        former = self.at(PREVIOUS)
        if former is None or CHAMPION in former.aliases:
            raise NocturneError(
                f"`{self.name}` has no former champion to go back to.",
                "Name a release: `nocturne rollback --to VERSION`; `nocturne releases` lists them.",
            )
        return former.version

    def history(self) -> list[promotion_log.Event]:
        """Every move of `champion`, oldest first (see `pipelines/registry/promotion_log.py`)."""
        self.notice()
        model = self._model()
        return promotion_log.read_events(model.tags) if model else []

    def notice(self) -> None:
        """Write down a move of `champion` that the history lacks: one by hand, or one whose process was killed.

        Raises:
            NocturneError: MLflow failed, or somebody else is moving `champion` and does not end.
        """
        model = self._model()
        if model is None:
            return
        if promotion_log.find_missing(model.tags, _number(model, CHAMPION)) is not None:
            with self._alone(), explain_failures("writing the promotion history"):
                self._settle()

    def _settle(self) -> None:
        """What follows a move of `champion`, the event last: its presence says that all of it is done."""
        model = self._model()
        found = promotion_log.find_missing(model.tags, _number(model, CHAMPION)) if model else None
        if found is None:
            return
        key, event = found
        if event["from"] is not None and self._one(event["from"]) is not None:
            self.client.set_registered_model_alias(self.name, PREVIOUS, str(event["from"]))
        if event["to"] is not None and _number(model, CHALLENGER) == event["to"]:
            self.client.delete_registered_model_alias(self.name, CHALLENGER)
        self.client.set_registered_model_tag(self.name, key, json.dumps(event))

    def removed(self) -> list[Removed]:
        """The releases that are no longer kept, oldest first."""
        model = self._model()
        kept = {release.version for release in self.every()}
        return [one for one in read_tombstones(model.tags if model else {}) if one.version not in kept]

    def remove(self, number: int) -> None:
        """Take a release away; what is known of it afterwards is written first. Its run and files stay for `runs`.

        Raises:
            UsageError: there is no such release.
            NocturneError: an alias points to it.
        """
        with self._alone(), explain_failures("removing a release"):
            self._settle()
            release = self.version(number)
            if release.aliases:
                aliases = ", ".join(release.aliases)
                raise NocturneError(
                    f"Release {number} of `{self.name}` is {aliases} and stays.", "Move the alias first."
                )
            self.client.set_registered_model_tag(self.name, f"{REMOVED}{number:06}", write_tombstone(release))
            self.client.delete_model_version(self.name, str(number))
            self.write_down_needs()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Moves and removals on this machine wait for each other; the system frees the lock of a killed process."""
        self.project.night.mkdir(parents=True, exist_ok=True)
        file = self.project.night / "releases.lock"
        try:
            with FileLock(file, timeout=LOCK_WAIT):
                yield
        except Timeout:
            raise NocturneError(
                f"Another process has been moving releases of `{self.name}` for {LOCK_WAIT} seconds.",
                "Look for a `nocturne` that hangs, end it, and try again.",
            ) from None

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

    def _one(self, number: int) -> Any | None:
        """The model version with this number, if a night made it."""
        from mlflow.exceptions import MlflowException

        try:
            version = self.client.get_model_version(self.name, str(number))
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        return version if PREFIX + "night" in version.tags else None

    def _release(self, version: Any, aliases: dict[str, str]) -> Release:
        pointing = tuple(sorted(alias for alias, number in aliases.items() if str(number) == str(version.version)))
        created = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC).isoformat(timespec="seconds")
        where = str(version.source).removesuffix(f"/{ADAPTER}")
        return Release(
            project=self.name,
            version=int(version.version),
            created=created,
            files=Artifacts(version.run_id, where, self.project.cache / "releases", self.project.workspace),
            manifest=Manifest.of(version.tags),
            aliases=pointing,
        )


def folders_of_other_projects(project: Project) -> set[str]:
    """What DVC calls the folders that all other projects' releases keep; they share its cache with this one's."""
    others = (one for one in identity.versions(open_client(project.workspace)) if one.name != project.name)
    return set().union(*(Manifest.of(one.tags).folders for one in others))


def _number(model: Any, alias: str) -> int | None:
    return int(model.aliases[alias]) if alias in model.aliases else None
