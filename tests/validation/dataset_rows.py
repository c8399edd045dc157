"""A small, whole dataset, and the same broken on purpose."""

from pathlib import Path
from typing import Any

from pipelines.config.load import load_params
from pipelines.config.schema import Params
from pipelines.project import Project
from pipelines.records import Record, example_id, write_json, write_jsonl
from pipelines.source.cutoff import NONE

ROOT = Path(__file__).resolve().parents[2]
FORMS = (
    *(("explain", "chat"), ("fim", "psm"), ("fim", "spm"), ("implement", "chat"), ("commit_edits", "chat")),
    *(("fim_block", "psm"), ("context", "chat"), ("tests", "chat"), ("retrieval", "chat"), ("questions", "chat")),
)

FINDINGS = [
    {"category": "secret", "kind": "AWS key", "action": "redact", "path": "train/0.py"},
    {"category": "secret", "kind": "AWS key", "action": "redact", "path": "train/0.py"},
    {"category": "personal", "kind": "e-mail address", "action": "redact", "path": "held/1.py"},
]
LEFT_OUT = ("completion", "mode", "query", "quality", "quality_parts")  # of a preference


def example(number: int, path: str, **changes: Any) -> Record:
    """One example that keeps the contract, with some values changed."""
    task, mode = FORMS[number % len(FORMS)]
    row = {
        "task": task,
        "mode": mode,
        "language": "python",
        "path": path,
        "start_line": number + 1,
        "end_line": number + 4,
        "start_byte": 20 * number,
        "end_byte": 20 * number + 70,
        "commit": "c" * 40,
        "blob": "b" * 40,
        "license": "MIT",
        "source": "demo",
        "prompt": f"What comes after {number}?",
        "completion": f"return previous({number}) + 1  # the next one",
        "request": f"After {number}?" if mode == "chat" else "",
        "query": f"after {number}",
        "tokens": 40 + number,
        "quality": 0.5,
        "quality_parts": {"length": 0.25, "code": 1.0},
    }
    row |= changes
    return {"example_id": example_id(row), **row}


def named(row: Record) -> Record:
    """The row with the identity of its content, as the dataset stage would have written it."""
    return {**row, "example_id": example_id(row)}


def read_files(*tables: list[Record]) -> list[Record]:
    """The files of extraction that rows can be from: twenty bytes a line, and lines enough."""
    named = {(row["path"], row["blob"]) for rows in tables for row in rows if "path" in row and "blob" in row}
    text = "# nineteen letters.\n" * 120
    return [{"path": path, "blob": blob, "text": text} for path, blob in sorted(named, key=str)]


def rows() -> tuple[list[Record], list[Record], list[Record]]:
    """Train, holdout and quarantine of a dataset without fault."""
    train = [example(number, f"train/{number % 4}.py") for number in range(32)]
    holdout = [example(number, f"held/{number % 2}.py") for number in range(32, 40)]
    left_out = {
        "task": "explain",
        "path": "train/0.py",
        "start_line": 1,
        "end_line": 2,
        "rule": "too_long",
        "reason": "-",
    }
    return train, holdout, [left_out]


def pair(number: int, path: str, **changes: Any) -> Record:
    """One preference that keeps the contract, with some values changed."""
    row = example(number, path, task="preference_pairs", chosen=f"return {number} + 1", rejected=f"return {number} - 1")
    row = {key: value for key, value in row.items() if key not in (*LEFT_OUT, "example_id")}
    return {"example_id": example_id(row), **row, **changes}


def write(
    folder: Path,
    train: list[Record],
    holdout: list[Record],
    quarantined: list[Record],
    preferences: tuple[Record, ...] = (),
    rate: float = 0.0,
    earlier: Record | None = None,
) -> Project:
    """The dataset as the stages before leave it, with this contamination rate, and an earlier dataset's distribution;
    returns its project."""
    project = Project("demo", folder / "source", folder)
    for name, records in (("train", train), ("holdout", holdout), ("quarantine", quarantined)):
        write_jsonl(project.path("dataset", f"{name}.jsonl"), records)
    write_jsonl(project.path("dataset", "preferences.jsonl"), preferences)
    write_json(
        project.path("dataset", "summary.json"), {"recipes": made(train, holdout), "contamination": {"rate": rate}}
    )
    write_jsonl(project.path("extraction", "files.jsonl"), read_files(train, holdout, list(preferences)))
    write_jsonl(project.path("history", "edits.jsonl"), [])
    write_jsonl(project.path("extraction", "findings.jsonl"), FINDINGS)
    write_json(project.path("snapshot", "base.json"), {"base_model": "data/models/nano-coder", "identity": "e" * 64})
    write_json(project.path("snapshot", "recent.json"), NONE)
    write_json(project.path("snapshot", "baseline.json"), earlier or {})
    return project


def made(train: list[Record], holdout: list[Record]) -> Record:
    """What the dataset stage says of its recipes; `preference_pairs` has made nothing."""
    counts = {task: [sum(row.get("task") == task for row in rows) for rows in (train, holdout)] for task, _ in FORMS}
    told = {task: {"share": 1.0, "train": t, "holdout": h, "quarantined": 0} for task, (t, h) in counts.items()}
    none = {
        "share": 1.0,
        "train": 0,
        "holdout": 0,
        "quarantined": 0,
        "none_because": "it wants reverts; there are none",
    }
    return {**told, "preference_pairs": none}


def shipped_params() -> Params:
    """The values of the shipped params.yaml."""
    return load_params(ROOT)


if __name__ == "__main__":
    import sys

    from pipelines.validation.stage import run

    run(write(Path(sys.argv[1]), *rows()), shipped_params())
