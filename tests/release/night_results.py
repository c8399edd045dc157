"""What the stages of a night leave for the decision, small and drawn by a seed: no model takes part."""

import shutil
from pathlib import Path

import numpy as np

from pipelines.config.schema import Params
from pipelines.dag import dvc
from pipelines.encoder.known_item_queries import METRICS
from pipelines.index import is_present, version_of
from pipelines.night.candidate import Candidate
from pipelines.project import Project
from pipelines.records import file_sha256, fingerprint, read_json, write_atomic, write_json, write_jsonl
from pipelines.registry.release import Release
from pipelines.registry.tracking import open_client

DIMENSION = 16
REPORTS = ("report.html", "scores.jsonl", "retrieval.jsonl")
LOST = "0" * 32 + ".dir"  # a dataset that DVC does not have
GATE = {"name": "better than the base", "metric": "bits_per_byte", "arm": "adapter", "against": "base", "margin": 0.03}
RESULT = {"value": 0.1, "low": 0.05, "high": 0.15, "rule": "at least 3.0% better", "passed": True, "reason": "+10%"}
GATES = [{**GATE, "severity": "block", **RESULT}]


def some_chunks(word: str) -> list[dict]:
    """Four chunks that say the word."""
    made = []
    for number in range(4):
        text = f"def {word}_{number}(value): return value * {number}"
        where = {"path": f"src/{word}.py", "start_line": number + 1, "end_line": number + 1, "start_byte": 0}
        known = {"chunk_id": f"{word}#{number}", "content_hash": f"{word}{number}", "symbol": word, "text": text}
        origin = {"end_byte": len(text), "blob": "b" * 40, "commit": "c" * 40}
        made.append({**where, **known, **origin, "language": "python", "kind": "function"})
    return made


def some_examples(word: str, task: str = "fim") -> list[dict]:
    """Three examples of one file that say the word."""
    known = {"task": task, "language": "python", "path": f"src/{word}.py", "commit": "c" * 40, "start_line": 1}
    rows = [{**known, "example_id": f"{word}{number}", "end_line": number + 1} for number in range(3)]
    return [{**row, "blob": fingerprint(word)[:40], "prompt": "", "completion": f"{word}\n" * 3} for row in rows]


def write_night(project: Project, word: str, gain: float = 0.1) -> None:
    """The stages' files of one night: an index, a dataset, an adapter and an evaluation that belong to the word."""
    chunks = some_chunks(word)
    vectors = np.random.default_rng(len(word)).normal(size=(len(chunks), DIMENSION)).astype(np.float32)
    write_jsonl(project.path("extraction", "chunks.jsonl"), chunks)
    file = project.path("embedding", "vectors.npy")
    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    facts = {"model": "m", "dimension": DIMENSION, "count": len(chunks), "vectors_sha256": file_sha256(file)}
    write_json(project.path("embedding", "embedding.json"), facts)
    write_jsonl(project.path("dataset", "train.jsonl"), some_examples(word))
    write_jsonl(project.path("dataset", "holdout.jsonl"), some_examples("held", "explain"))
    write_json(project.path("training", "adapter", "adapter_config.json"), {"word": word})
    write_atomic(project.path("training", "adapter", "adapter_model.safetensors"), word.encode() * 1000)
    trained = {**training_of(project, word), "paths": [f"src/{word}.py"]}
    write_json(project.path("training", "training.json"), trained)
    figures = {"bits_per_byte": {"value": 1.0 - gain, "low": 0.8 - gain, "high": 1.2 - gain}}
    evaluation = {"examples": 3, "confidence": 0.95, "arms": {"adapter": figures}, "by_task": {}}
    evaluation |= {"retrieval": {}, "suites": {}, "forgetting": {}, "memorisation": {}, "scale": {}}
    evaluation["gains"] = {"adapter_vs_base": {"value": gain, "low": gain - 0.05, "high": gain + 0.05}}
    write_json(project.path("evaluation", "evaluation.json"), evaluation)
    write_jsonl(project.path("evaluation", "scores.jsonl"), (_score(row, word, gain) for row in some_examples("held")))
    write_jsonl(project.path("evaluation", "retrieval.jsonl"), some_questions(1.0))
    write_atomic(project.path("evaluation", "report.html"), b"<p>a report</p>")


def some_questions(found: float, files: int = 8) -> list[dict]:
    """What an index found of two questions in each of some files; every metric of each question is `found`."""
    rows = []
    for number in range(2 * files):
        known = {"symbol_id": f"s{number}", "qualified_name": f"ask_{number}", "question": f"What does {number} do?"}
        where = {"path": f"src/q{number // 2}.py", "start_line": 1, "language": "python", "kind": "function"}
        rows.append({**known, **where, "relevant": 1, "ranks": [1], **dict.fromkeys(METRICS, found)})
    return rows


def _score(row: dict, word: str, gain: float) -> dict:
    kept = {key: row[key] for key in ("example_id", "task", "language", "path", "start_line", "end_line")}
    score = {**kept, "bytes": 15, "bits": {"base": 100.0, "adapter": 100.0 * (1 - gain)}}
    if row["example_id"] == "held0":
        score |= {"expected": row["completion"], "generated": {"adapter": word}}
        score |= {"metrics": {"adapter": {"edit_similarity": gain}}}
    return score


def training_of(project: Project, word: str) -> dict:
    """What a training that belongs to the word says of itself."""
    base = {"base_model": "data/models/nano-coder", "base_identity": "b" * 64, "chat_template_sha256": "h"}
    return {"identity": word, **base, "dataset_sha256": file_sha256(project.path("dataset", "train.jsonl"))}


def candidate_of(
    project: Project,
    word: str,
    commit: str = "c" * 40,
    dataset_dvc: str = LOST,
    index_dvc: dict[str, str] | None = None,
) -> Candidate:
    """The candidate of these files."""
    evaluation = project.path("evaluation", "evaluation.json")
    return Candidate(
        night=word,
        index_version=version_of(project),
        evaluation=read_json(evaluation),
        training=training_of(project, word),
        embedding=read_json(project.path("embedding", "embedding.json")),
        commit=commit,
        dataset_dvc=dataset_dvc,
        index_dvc=index_dvc or {},
        adapter=project.path("training", "adapter"),
        training_file=project.path("training", "training.json"),
        reports=(evaluation, *(project.path("evaluation", name) for name in REPORTS)),
    )


def kept_by_dvc(project: Project, stage: str = "dataset") -> str:
    """Put `data/<project>/<stage>` into DVC's cache as a stage's output is; returns what DVC calls it."""
    from dvc.repo import Repo
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.transfer import transfer

    with Repo(str(project.workspace)) as repo:
        cache = repo.cache.local
        staging, _, made = build(cache, str(project.path(stage)), repo.fs, "md5")
        transfer(staging, cache, {made.hash_info}, shallow=False, hardlink=False)
    name = str(made.hash_info.value)
    assert dvc.read_stored(project, name) is not None
    return name


def copy_workspace(original: Path, folder: Path) -> Path:
    """A copy of a workspace with releases, for one test to change; MLflow's records name the copy."""
    place = folder / "workspace"
    shutil.copytree(original, place, symlinks=True)
    open_client(place)
    return place


def whole(project: Project, params: Params, release: Release) -> bool:
    """Whether everything that a release names is there and says the same word."""
    word = release.manifest.training
    return (
        is_present(project, params.index, release.index_version)
        and read_json(release.adapter / "adapter_config.json") == {"word": word}
        and (release.adapter / "adapter_model.safetensors").read_bytes() == word.encode() * 1000
        and read_json(release.adapter / "training.json")["paths"] == [f"src/{word}.py"]
        and release.manifest.gates == GATES
    )
