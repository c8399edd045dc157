"""A training of a few steps of a real model that is tiny, and what stands where MLflow does, as a plugin."""

from functools import partial

import pytest
from conftest import ROOT
from tiny_model import make_base

from pipelines.config.load import load_params
from pipelines.lm.base_model import load_tokenizer
from pipelines.lm.prompts import apply_chat_template, fim_tokens
from pipelines.project import Project
from pipelines.records import write_json, write_jsonl
from pipelines.training.train import train

SMALL = {"max_steps": 8, "batch_size": 4, "checkpoint_steps": 3, "epochs": 50.0, "learning_rate": 0.01, "threads": 1}
PARAMS = load_params(ROOT).training.model_copy(update=SMALL)


class Recorded:
    """Keeps what it is told; calls `at[step]` once when that step is logged, where a crash may be put."""

    name = "a test"

    def __init__(self, at=None):
        self.steps, self.kept, self.at = [], [], dict(at or {})

    def metrics(self, values, step):
        self.steps.append(step)
        happens = self.at.pop(step, None)
        if happens is not None:
            happens()

    def keep(self, folder, name):
        self.kept.append((name, sorted(file.name for file in folder.iterdir())))


def train_in(base_model, examples, folder, run=None, begin_with=None, pairs=(), past=None, **changes):
    """Train in a folder; returns what was done. What was learned is in its `adapter`."""
    params = PARAMS.model_copy(update={"base_model": base_model, **changes})
    run = run or Recorded()
    return train(examples, params, ROOT, folder / "checkpoints", folder / "adapter", run, begin_with, pairs, past)


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """The folder of a model of a few thousand weights."""
    folder = tmp_path_factory.mktemp("base")
    make_base(folder)
    return str(folder)


@pytest.fixture(scope="session")
def trained(base):
    return partial(train_in, base)


@pytest.fixture(scope="session")
def examples(base):
    """Forty examples of ten files, half of them fill-in-the-middle."""
    tokenizer = load_tokenizer(base, ROOT)
    fim = fim_tokens(tokenizer)
    made = []
    for n in range(20):
        made.append(
            (
                apply_chat_template(tokenizer, f"Write the body of `lunar_{n}`."),
                f"    return moon.phase({n}) + tide({n})\n",
            )
        )
        made.append((fim.psm(f"def tide_{n}(", "):\n    pass\n"), f"moon, height={n}"))
    return [
        {"example_id": str(n), "prompt": p, "completion": c, "path": f"f{n % 10}.py", "start_line": 1}
        for n, (p, c) in enumerate(made)
    ]


@pytest.fixture(scope="session")
def uninterrupted(trained, examples, tmp_path_factory):
    """A training that nothing disturbed, and its adapter."""
    folder = tmp_path_factory.mktemp("whole")
    return trained(examples, folder), folder / "adapter"


@pytest.fixture
def night(tmp_path, base, examples, monkeypatch):
    """A project whose dataset is there, and parameters for a few steps."""
    monkeypatch.setattr("pipelines.registry.tracking.LiveRun.__enter__", lambda self: Recorded())
    monkeypatch.setattr("pipelines.registry.tracking.LiveRun.__exit__", lambda *_: None)
    project = Project("moon", tmp_path, tmp_path)
    write_jsonl(project.path("dataset", "train.jsonl"), examples)
    write_jsonl(project.path("dataset", "holdout.jsonl"), [{"path": "held.py"}])
    write_jsonl(project.path("dataset", "preferences.jsonl"), [])
    write_json(project.path("snapshot", "base.json"), {"base_model": base, "identity": "i"})
    write_json(project.path("snapshot", "champion", "champion.json"), {})
    return project


@pytest.fixture
def values(base):
    """The shipped values with another training section."""
    shipped = load_params(ROOT)
    small = PARAMS.model_copy(update={"max_steps": 2, "base_model": base})
    return lambda **changes: shipped.model_copy(update={"training": small.model_copy(update=changes)})
