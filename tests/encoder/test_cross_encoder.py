"""The reranker, by cross-encoders of random weights: what is loaded, what is refused, whose scores they are."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_model import make_base, make_cross_encoder
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from pipelines.encoder import encoder
from pipelines.encoder.cross_encoder import load_reranker
from pipelines.errors import NocturneError

QUESTION = "how is a release undone?"
TEXTS = ["def roll_back(release): ...", "x = 1", "class Server:\n" + "    port = 1\n" * 80]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("reranker") / "tiny"
    make_cross_encoder(made)
    return made


def test_scores_are_the_models_logits_of_question_and_text(folder):
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    expected = []
    with torch.inference_mode():
        for text in TEXTS:
            features = tokenizer(QUESTION, text, return_tensors="pt", truncation=True, max_length=128)
            expected.append(model(**features).logits.item())
    assert load_reranker(str(folder)).logits(QUESTION, TEXTS) == pytest.approx(expected, abs=1e-4)
    assert max(expected) - min(expected) > 0.1


def test_what_is_judged_beside_a_text_does_not_change_its_score(folder):
    judge = load_reranker(str(folder))
    assert judge.logits(QUESTION, TEXTS) == [judge.logits(QUESTION, [text])[0] for text in TEXTS]


def test_a_folder_of_sentence_transformers_own_layout_gives_the_same(folder, tmp_path):
    from sentence_transformers import CrossEncoder

    CrossEncoder(str(folder), device="cpu").save_pretrained(str(tmp_path))
    assert (tmp_path / "modules.json").is_file()
    own = load_reranker(str(tmp_path)).logits(QUESTION, TEXTS)
    assert own == pytest.approx(load_reranker(str(folder)).logits(QUESTION, TEXTS), abs=1e-5)


def test_a_model_that_is_not_there_is_named_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(NocturneError, match="`nobody/has-this` cannot be loaded") as raised:
        load_reranker("nobody/has-this")
    assert "`hf download nobody/has-this`" in raised.value.next_step
    assert 'search.rerank to ""' in raised.value.next_step


def test_weights_that_would_run_code_are_not_loaded(folder, tmp_path):
    pickled = tmp_path / "pickled"
    shutil.copytree(folder, pickled)
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    with pytest.raises(NocturneError, match=r"cannot be loaded: .*safetensors"):
        load_reranker(str(pickled))


def test_a_torn_file_is_named(folder, tmp_path):
    torn = tmp_path / "torn"
    shutil.copytree(folder, torn)
    (torn / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:100])
    with pytest.raises(NocturneError, match="torn` cannot be loaded"):
        load_reranker(str(torn))


def test_an_encoder_of_single_texts_is_refused(folder, tmp_path):
    with pytest.raises(NocturneError, match="is a SentenceTransformer, not a cross-encoder"):
        load_reranker(str(encoder._packaged_minilm()))
    AutoModel.from_pretrained(folder).save_pretrained(tmp_path / "bert")
    with pytest.raises(NocturneError, match="is a BertModel, not a cross-encoder"):
        load_reranker(str(tmp_path / "bert"))
    make_base(tmp_path / "causal")
    with pytest.raises(NocturneError, match="is a Qwen2ForCausalLM, not a cross-encoder") as raised:
        load_reranker(str(tmp_path / "causal"))
    assert "search.rerank" in raised.value.next_step


def test_a_classifier_of_several_classes_is_refused(tmp_path):
    make_cross_encoder(tmp_path / "three", labels=3)
    with pytest.raises(NocturneError, match="is a classifier of 3 classes"):
        load_reranker(str(tmp_path / "three"))


def test_a_score_that_is_no_number_is_an_error(folder, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "classifier.bias": torch.tensor([torch.nan])}, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(NocturneError, match="no number"):
        load_reranker(str(broken)).logits(QUESTION, TEXTS)
