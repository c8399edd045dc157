"""Registration and the alias move, for `benchmarks.crash.kills`: a night's decision on small files, without models."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from pipelines import environment
from pipelines.config.load import load_params
from pipelines.config.schema import Params
from pipelines.project import Project
from pipelines.records import file_sha256, fingerprint, read_json, write_atomic, write_json, write_jsonl

ROOT = Path(__file__).resolve().parents[2]
NAME, DIMENSION, CHUNKS, ADAPTER_BYTES = "moon", 16, 100, 1_000_000
ASKED = 20  # passages a question
# Every write of MLflow's client that a release makes, and the index being shown.
CLIENT = (
    "create_run", "log_artifacts", "log_artifact", "log_batch", "log_inputs", "set_terminated", "create_model_version",
    "set_registered_model_tag", "set_registered_model_alias",
)  # fmt: skip
GATES = [{"name": "better", "value": 0.1, "low": 0.05, "high": 0.15, "passed": True, "reason": "+10%"}]
EVALUATION = {
    "examples": 0,
    **{part: {} for part in ("arms", "gains", "retrieval", "suites", "forgetting", "memorisation")},
}


class ReleaseSubject:
    """Each trial releases another candidate: another adapter, another index, another dataset."""

    preloaded = ("mlflow", "dvc.repo", "numpy", "qdrant_edge", "pipelines.release.publish")

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """A workspace whose only release, of trial 0, is live."""
        make_workspace(self.folder, {})
        self.begin(0)
        self.work(0, lambda write: None)

    def begin(self, trial: int) -> None:
        """The files that a night's stages leave."""
        _night(opened(self.folder)[0], trial)

    def work(self, trial: int, begun: Callable[[str], None]) -> bool:
        """What a night does when its stages have run and its gates have passed; when it was interrupted there, too."""
        from pipelines.registry.releases import Releases

        project, params = opened(self.folder)
        _watched(begun)
        releases = Releases(project)
        known = releases.client is not None and releases.decided(_night_of(trial))
        if not known or not releases.carried_out(_night_of(trial), auto=True):
            _carry_out(project, params, trial)
        return bool(known)

    def state(self, trial: int) -> str:
        """Looks at everything that is visible."""
        from pipelines.registry.releases import Releases

        project, params = opened(self.folder)
        releases = Releases(project)
        live, every = releases.champion(), releases.every()
        for release in every[:3]:
            check_release(project, params, release)
        assert live.manifest.night in (_night_of(trial), _night_of(trial - 1)), f"{live.manifest.night} is live"
        assert releases.history()[-1]["to"] == live.version, "the history does not end with what is live"
        return "new" if live.manifest.night == _night_of(trial) else "old"

    def check(self, trial: int) -> None:
        """The next night has released it, once, and nothing else."""
        from pipelines.registry.releases import CHALLENGER, PREVIOUS, Releases

        project, params = opened(self.folder)
        releases = Releases(project)
        live, previous = releases.champion(), releases.at(PREVIOUS)
        assert live.manifest.night == _night_of(trial), "the next night did not release"
        assert previous is not None, "nothing is `previous`"
        assert previous.manifest.night == _night_of(trial - 1), "`previous` is another one"
        assert releases.at(CHALLENGER) is None, "a challenger was left"
        nights = [release.manifest.night for release in releases.every()]
        assert nights == [_night_of(number) for number in range(trial, -1, -1)], f"releases of {nights}"
        moves = [(event["from"], event["to"], event["by"]) for event in releases.history()]
        wanted = [(number or None, number + 1, "nightly") for number in range(trial + 1)]
        assert moves == wanted, f"the history is {moves[-3:]}"
        check_release(project, params, live)

    def asking(self) -> Callable[[], None]:
        """Asks what is live."""
        return asking(self.folder)


def asking(folder: Path) -> Callable[[], None]:
    """A question to the release that is live: as many texts as were asked for, all of its own, and nothing to notice.

    The function that it returns raises AssertionError for another answer, and what the search raises.
    """
    import numpy as np

    from pipelines.index import Hit, open_index
    from pipelines.release.index_versions import open_served

    project, params = opened(folder)
    vector = np.full(DIMENSION, DIMENSION**-0.5, np.float32)

    def searched(live: Any) -> tuple[str, list[Hit]]:
        with open_index(project, params.index, live.index_version) as index:
            return live.manifest.night.removeprefix("night "), index.search("function", vector, ASKED)

    def ask() -> None:
        (trial, hits), notices = open_served(project, params, searched)
        paths = {hit.path for hit in hits}
        assert paths == {f"src/file{trial}.py"}, f"release {trial} answers with {sorted(paths)}"
        assert len(hits) == ASKED, f"{len(hits)} passages and not {ASKED}"
        assert not notices, f"{notices}"

    return ask


def make_workspace(folder: Path, changes: dict[str, dict[str, Any]]) -> None:
    """A workspace of one project with the shipped values but for some."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["projects"] = {NAME: {"source": "source"}}
    for section, changed in changes.items():
        values[section].update(changed)
    (folder / "params.yaml").write_text(yaml.safe_dump(values))


def opened(folder: Path) -> tuple[Project, Params]:
    """The workspace's project and values."""
    environment.prepare(folder)
    params = load_params(folder)
    return params.project(NAME, folder), params


def _night_of(trial: int) -> str:
    return f"night {trial}"


def _adapter(trial: int) -> bytes:
    return trial.to_bytes(4, "big") * (ADAPTER_BYTES // 4)


def _night(project: Project, trial: int) -> None:
    """The files that a night's stages leave, each of them of this trial."""
    import numpy as np

    chunks = [_chunk(trial, number) for number in range(CHUNKS)]
    vectors = np.random.default_rng(trial).normal(size=(CHUNKS, DIMENSION)).astype(np.float32)
    write_jsonl(project.path("extraction", "chunks.jsonl"), chunks)
    file = project.path("embedding", "vectors.npy")
    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    facts = {"model": "m", "dimension": DIMENSION, "count": CHUNKS, "vectors_sha256": file_sha256(file)}
    write_json(project.path("embedding", "embedding.json"), facts)
    for split in ("train", "holdout"):
        write_jsonl(project.path("dataset", f"{split}.jsonl"), [{"example_id": f"{split} {trial}"}])
    write_json(project.path("training", "adapter", "adapter_config.json"), {"trial": trial})
    write_atomic(project.path("training", "adapter", "adapter_model.safetensors"), _adapter(trial))
    write_json(project.path("training", "training.json"), {"paths": [f"src/file{trial}.py"]})
    write_json(project.path("evaluation", "evaluation.json"), EVALUATION)


def _chunk(trial: int, number: int) -> dict[str, Any]:
    text = f"def function_{trial}_{number}(value): return value * {number}"
    return {
        "chunk_id": f"{trial}#{number}", "content_hash": f"{trial}#{number}", "symbol": f"function_{trial}_{number}",
        "text": text, "path": f"src/file{trial}.py", "start_line": number + 1, "end_line": number + 1, "start_byte": 0,
        "end_byte": len(text), "blob": "b" * 40, "commit": "c" * 40, "language": "python", "kind": "function",
    }  # fmt: skip


def _carry_out(project: Project, params: Params, trial: int) -> None:
    from pipelines.index import version_of
    from pipelines.night.candidate import Candidate
    from pipelines.registry.releases import Releases
    from pipelines.release.publish import publish_candidate

    evaluation = project.path("evaluation", "evaluation.json")
    training = {"identity": _night_of(trial), "base_model": "b", "base_identity": "b", "chat_template_sha256": "h"}
    training["dataset_sha256"] = file_sha256(project.path("dataset", "train.jsonl"))
    now = Candidate(
        night=_night_of(trial),
        index_version=version_of(project),
        evaluation=read_json(evaluation),
        training=training,
        embedding=read_json(project.path("embedding", "embedding.json")),
        commit="c" * 40,
        dataset_dvc=fingerprint(trial)[:32] + ".dir",
        index_dvc={},
        adapter=project.path("training", "adapter"),
        training_file=project.path("training", "training.json"),
        reports=(evaluation,),
    )
    publish_candidate(Releases(project), params, now, True, GATES)


def check_release(project: Project, params: Params, release: Any) -> None:
    """Every part of a release is there, and of the same trial."""
    import numpy as np

    from pipelines.index import open_index

    trial = int(release.manifest.night.removeprefix("night "))
    assert read_json(release.adapter / "adapter_config.json") == {"trial": trial}, "another adapter's settings"
    assert (release.adapter / "adapter_model.safetensors").read_bytes() == _adapter(trial), "a torn adapter"
    assert read_json(release.adapter / "training.json")["paths"] == [f"src/file{trial}.py"], "another training"
    assert release.manifest.gates == GATES, "torn gates"
    with open_index(project, params.index, release.index_version) as index:
        hits = index.search(f"function_{trial}_7", np.ones(DIMENSION, np.float32) / DIMENSION**0.5, CHUNKS)
    assert {hit.path for hit in hits} == {f"src/file{trial}.py"}, "another index"


def _watched(begun: Callable[[str], None]) -> None:
    """Let `begun` hear of every write. Each process that is watched ends with its work."""
    from mlflow import MlflowClient

    from pipelines.index.store.embedded_store import EdgeStore

    for owner, names in ((EdgeStore, ("create", "seal", "publish")), (MlflowClient, CLIENT)):
        for name in names:
            setattr(owner, name, _telling(getattr(owner, name), name, begun))


def _telling(write: Callable[..., Any], name: str, begun: Callable[[str], None]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        begun(f"index: {name}" if write.__qualname__.startswith("EdgeStore") else name)
        return write(*arguments, **named)

    return call
