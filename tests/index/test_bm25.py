"""BM25 vectors are those of Qdrant Edge's encoder, index for index and float for float."""

import numpy as np
import pytest
from conftest import ROOT
from qdrant_edge import Bm25, Bm25Config, TokenizerType

from pipelines.index.store.bm25 import Identifiers, Keywords, mean_word_count, query_terms, split_words

WHOLE = sorted(ROOT.glob("pipelines/**/*.py")) + sorted(ROOT.glob("*.md"))
ODD = ["", "the of", "__init__ _ __", "naïve Straße İstanbul ǅ ﬁn ½ ²", "a" * 41 + " x" * 300, "loadHTTP2_v3 runs run"]


def as_chunk(text, path="src/a.py", symbol="Some.name"):
    return {"path": path, "symbol": symbol, "text": text}


@pytest.fixture(scope="module")
def chunks():
    texts = [path.read_text() for path in WHOLE]
    cut = [text[start : start + 1600] for text in texts for start in range(0, len(text), 1600)]
    return [as_chunk(text) for text in cut] + [as_chunk(text, symbol=None) for text in ODD]


def written(chunk):
    return " ".join(split_words(f"{chunk['path']} {chunk['symbol'] or ''} {chunk['text']}"))


def test_a_document_is_what_the_engines_encoder_makes_of_its_words(chunks):
    mean = mean_word_count(chunks)
    encoder = Bm25(Bm25Config(avg_len=mean, tokenizer=TokenizerType.Whitespace))
    assert mean == round(np.mean([len(written(chunk).split()) for chunk in chunks]), 1) > 50
    for chunk in chunks:
        ours, theirs = Keywords(mean).document(chunk), encoder.embed_document(written(chunk))
        assert ours.indices == list(theirs.indices)
        assert np.float32(ours.values).tolist() == np.float32(theirs.values).tolist()


def test_a_question_is_what_the_engines_encoder_makes_of_its_words(chunks):
    encoder = Bm25(Bm25Config(tokenizer=TokenizerType.Whitespace))
    assert chunks
    for text in [chunk["text"] for chunk in chunks]:
        ours, theirs = Keywords(7.0).query(text), encoder.embed_query(" ".join(split_words(text)))
        assert (ours.indices, ours.values) == (list(theirs.indices), list(theirs.values))
        assert query_terms(text) == set(theirs.indices)


@pytest.mark.parametrize(
    ("question", "identifiers", "share"),
    [
        ("ER_LOCK_DEADLOCK", ["erlockdeadlock"], 1),
        ("where is getUser", ["getuser"], 1),
        ("retry when Session.get_adapter fails", ["getadapter"], 1 / 3),
        ("utf8mb4", ["utf8mb4"], 1),
        ("SIGTERM", ["sigterm"], 1),
        ("57014", ["57014"], 1),
        ("HTTP redirect", [], 0),
        ("Router", [], 0),
        ("x" * 50 + "Y", [], 0),
        ("", [], 0),
    ],
)
def test_identifiers_are_told_from_words(question, identifiers, share):
    found = Identifiers.of(question)
    assert found.share == pytest.approx(share)
    assert len(found.wholes.indices) == len(identifiers)
    for name in identifiers:
        assert set(found.wholes.indices) <= query_terms(name)
