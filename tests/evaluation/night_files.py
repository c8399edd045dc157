"""What the stages before leave for the evaluation, of a few real files of this project."""

import ast
from pathlib import Path

import numpy as np

from pipelines.config.load import load_params
from pipelines.config.schema import Evaluation, Params
from pipelines.encoder.encoder import MINILM
from pipelines.project import Project
from pipelines.records import Record, fingerprint, write_json, write_jsonl

ROOT = Path(__file__).resolve().parents[2]
PATHS = (
    "pipelines/errors.py",
    "pipelines/progress.py",
    "pipelines/project.py",
    "pipelines/records.py",
    "pipelines/dag/stage.py",
)
CONFIG = Evaluation(
    max_examples=6,
    generate_examples=3,
    max_new_tokens=4,
    context_passages=2,
    context_chars=200,
    retrieval_questions=4,
    memorisation_examples=3,
    bootstrap=200,
    confidence=0.95,
    seed=17,
)


STRING = "waxing, gibbous"
CASES = [
    {
        "path": "evaluation/suites/house.json",
        "name": "anything",
        "prompt": "Say anything.",
        "expected_patterns": [""],
        "forbidden_patterns": [],
        "must_compile": False,
        "language": "",
    }
]


def params(base_model: str) -> Params:
    """The shipped values, but for the base model and a small evaluation."""
    shipped = load_params(ROOT)
    training = shipped.training.model_copy(update={"base_model": base_model, "threads": 1})
    return shipped.model_copy(update={"training": training, "evaluation": CONFIG})


def examples() -> list[Record]:
    """Three a file: one of each task; the completion is what stands at its byte range."""
    found = []
    for path in PATHS:
        text = (ROOT / path).read_bytes()
        for number, task in enumerate(("explain", "implement", "fim")):
            start = text.index(b"\n    def " if b"\n    def " in text else b"\ndef ", number)
            end = text.index(b"\n", text.index(b"    return", start) if b"    return" in text[start:] else start + 1)
            found.append(_example(path, task, text, start + 1, end))
    return found


def _example(path: str, task: str, text: bytes, start: int, end: int) -> Record:
    completion = text[start:end].decode()
    fim = f"<|fim_prefix|>{text[:start].decode()[-200:]}<|fim_suffix|>{text[end:].decode()[:100]}<|fim_middle|>"
    request = f"Write {task} of {path}."
    chat = f"<|im_start|>user\n{request}<|im_end|>\n<|im_start|>assistant\n"
    return {
        "example_id": fingerprint(path, task)[:16],
        "task": task,
        "mode": "psm" if task == "fim" else "chat",
        "language": "python",
        "path": path,
        "start_line": text.count(b"\n", 0, start) + 1,
        "end_line": text.count(b"\n", 0, end) + 1,
        "start_byte": start,
        "end_byte": end,
        "prompt": fim if task == "fim" else chat,
        "request": "" if task == "fim" else request,
        "completion": completion,
        "query": completion[:80],
    }


def symbols() -> list[Record]:
    """The first documented function of each file, with its ranges."""
    found = []
    for path in PATHS:
        text = (ROOT / path).read_bytes()
        lines = text.splitlines(keepends=True)
        offset = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
        functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
        node = next((one for one in functions if ast.get_docstring(one)), None)
        if node is None:
            continue
        doc = node.body[0]
        found.append(
            {
                "symbol_id": fingerprint(path)[:16],
                "kind": "function",
                "language": "python",
                "path": path,
                "qualified_name": node.name,
                "start_line": node.lineno,
                "start_byte": offset[node.lineno - 1],
                "end_byte": offset[node.end_lineno],
                "doc": ast.get_docstring(node),
                "doc_range": [offset[doc.lineno - 1] + doc.col_offset, offset[doc.end_lineno - 1] + doc.end_col_offset],
            }
        )
    return found


def learned() -> Record:
    """An example of a training file, with a string that no other file has."""
    return {**examples()[0], "path": "src/moon.py", "prompt": "Phase: ", "completion": f'phase = "{STRING}"\n'}


def write(workspace: Path) -> Project:
    """Everything in `data/demo` but the adapter."""
    project = Project("demo", ROOT, workspace)
    texts = {path: (ROOT / path).read_text() for path in PATHS}
    write_jsonl(project.path("dataset", "train.jsonl"), [learned()])
    write_jsonl(project.path("dataset", "holdout.jsonl"), examples())
    write_json(project.path("snapshot", "suites.json"), CASES)
    files = ({"path": path, "language": "python", "text": text} for path, text in texts.items())
    write_jsonl(project.path("extraction", "files.jsonl"), files)
    write_jsonl(project.path("extraction", "chunks.jsonl"), (_chunk(path, text) for path, text in texts.items()))
    write_jsonl(project.path("extraction", "symbols.jsonl"), symbols())
    vectors = np.random.default_rng(3).normal(size=(len(texts), 384)).astype(np.float32)
    project.path("embedding").mkdir(parents=True)
    np.save(project.path("embedding", "vectors.npy"), vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    write_json(project.path("embedding", "embedding.json"), {"model": MINILM, "dimension": 384})
    log = [{"step": step, "epoch": 0.1, "loss": 4 / step, "learning_rate": 0.001} for step in range(1, 30)]
    write_json(project.path("training", "training.json"), {"steps": 29, "log": log})
    return project


def _chunk(path: str, text: str) -> Record:
    lines = text.splitlines()[:40]
    return {
        "chunk_id": path,
        "path": path,
        "language": "python",
        "kind": "module",
        "symbol": Path(path).stem,
        "start_line": 1,
        "end_line": len(lines),
        "start_byte": 0,
        "end_byte": len("\n".join(lines).encode()),
        "text": "\n".join(lines),
        "commit": "c" * 40,
        "blob": "b" * 40,
    }
