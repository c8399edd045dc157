"""What `auto` stands for: measured on the project's questions, decided once."""

import re

import numpy as np
import pytest
from conftest import ROOT

from pipelines.config.load import load_params
from pipelines.embedding import variant_selection
from pipelines.embedding.stage import run
from pipelines.encoder.encoder import MINILM, backends_of
from pipelines.project import Project
from pipelines.records import read_json, write_json, write_jsonl

AMONG = ["m@static#00000001", "m@int8#00000002", "m@fp32#00000003"]
COUNT = 60


class Knows:
    """An encoder that finds the chunk of a number for a share of the numbers."""

    def __init__(self, share):
        self.share = share

    def encode(self, texts):
        return np.stack([self._vector(int(re.search(r"\d+", text)[0])) for text in texts])

    def encode_queries(self, texts):
        numbers = [int(re.search(r"\d+", text)[0]) - 1000 for text in texts]
        return np.stack([self._vector(n if n < self.share * COUNT else (n + 30) % COUNT) for n in numbers])

    def _vector(self, number):
        return np.eye(COUNT, dtype=np.float32)[number]


@pytest.fixture
def project(tmp_path):
    """Sixty functions that share no word with their documentation, one chunk each."""
    project = Project("demo", tmp_path / "source", tmp_path)
    same = {"kind": "function", "start_byte": 0, "end_byte": 9, "start_line": 1, "end_line": 1, "language": "python"}
    symbols = [
        {**same, "symbol_id": f"s{n}", "path": f"m{n}.py", "doc": f"Answers what is asked about {n + 1000}.",
         "doc_range": [90, 99]}
        for n in range(COUNT)
    ]  # fmt: skip
    chunks = [
        {**same, "chunk_id": f"00000000-0000-4000-8000-{n:012}", "path": f"m{n}.py", "symbol": "", "text": f"f = {n}",
         "content_hash": f"{n:064}", "commit": "c", "blob": "b"}
        for n in range(COUNT)
    ]  # fmt: skip
    write_jsonl(project.path("extraction", "symbols.jsonl"), symbols)
    write_jsonl(project.path("extraction", "chunks.jsonl"), chunks)
    return project


@pytest.fixture
def config(monkeypatch):
    monkeypatch.setattr(variant_selection, "backends_of", lambda name, trust: AMONG)
    return load_params(ROOT).embedding.model_copy(update={"variant": "auto"})


def encoders(monkeypatch, static, eight):
    shares = dict(zip(AMONG, (static, eight, 1.0), strict=True))
    monkeypatch.setattr(variant_selection, "load_encoder", lambda name, **_: Knows(shares[name]))


@pytest.mark.parametrize(("static", "eight", "best"), [(1.0, 1.0, 0), (0.5, 1.0, 1), (0.5, 0.9, 2)])
def test_auto_is_the_fastest_that_finds_as_much_as_float32(project, config, monkeypatch, static, eight, best):
    encoders(monkeypatch, static, eight)
    found = variant_selection.choose_variant(project, config)
    assert found["encoder"] == AMONG[best]
    assert found["questions"] == COUNT
    assert found["ndcg@10"][AMONG[-1]] == pytest.approx(1.0)
    assert len(found["ndcg@10"]) == min(best + 2, 3)


def test_the_choice_stays_until_the_encoder_is_another(project, config, monkeypatch):
    encoders(monkeypatch, 1.0, 1.0)
    found = variant_selection.choose_variant(project, config)
    write_json(project.path("embedding", "embedding.json"), {"choice": found})
    encoders(monkeypatch, 0.0, 0.0)
    assert variant_selection.choose_variant(project, config) == found
    monkeypatch.setattr(variant_selection, "backends_of", lambda name, trust: [*AMONG[1:]])
    assert variant_selection.choose_variant(project, config)["encoder"] == AMONG[-1]


def test_a_project_with_few_questions_gets_eight_bits_unmeasured(project, config, monkeypatch):
    encoders(monkeypatch, 1.0, 1.0)
    monkeypatch.setattr(variant_selection, "MIN_QUESTIONS", COUNT + 1)
    assert variant_selection.choose_variant(project, config) == {
        "encoder": AMONG[1], "among": AMONG, "questions": COUNT, "ndcg@10": {},
    }  # fmt: skip
    monkeypatch.setattr(variant_selection, "backends_of", lambda name, trust: AMONG[2:])
    assert variant_selection.choose_variant(project, config)["encoder"] == AMONG[2]


def test_the_stage_records_the_choice_and_keeps_it(project, monkeypatch):
    params = load_params(ROOT)
    auto = params.model_copy(update={"embedding": params.embedding.model_copy(update={"variant": "auto"})})
    monkeypatch.setattr(variant_selection, "MIN_QUESTIONS", COUNT + 1)
    run(project, auto)
    facts = read_json(project.path("embedding", "embedding.json"))
    assert facts["model"] == facts["choice"]["encoder"]
    assert facts["choice"]["among"] == backends_of(MINILM)
    before = project.path("embedding", "embedding.json").read_bytes()
    run(project, auto)
    assert project.path("embedding", "embedding.json").read_bytes() == before
