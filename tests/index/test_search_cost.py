"""What a search asks of its engine, on both: two rounds of scores, one of what ranking reads of chunks, one of their
files' summaries, one of whole chunks; and the scores are exact."""

from contextlib import contextmanager

import numpy as np
import pytest
from test_index import DIMENSION, made_project, params, some_chunks

from pipelines.index import publish
from pipelines.index.search.hybrid import Index
from pipelines.index.store.bm25 import Keywords
from pipelines.index.store.factory import open_store
from pipelines.index.store.interface import Scope, Search

MANY = 300


class Counting:
    """An engine that notes what is asked of it."""

    def __init__(self, engine):
        self.engine, self.calls = engine, []

    def __getattr__(self, name):
        def noted(*arguments):
            self.calls.append((name, len(arguments[0]) if name in ("summaries", "chunks") else len(arguments)))
            return getattr(self.engine, name)(*arguments)

        return noted


@contextmanager
def opened(tmp_path, params):
    """MANY chunks without summaries, of which a vector's nearest are not those with its words."""
    page = some_chunks()[0]
    chunks = [
        {**page, "chunk_id": f"c{n}", "path": f"p{n % 40}.py", "text": f"word{n % 7} other{n % 11}" + " pad" * n}
        for n in range(MANY)
    ]
    vectors = np.random.default_rng(3).normal(size=(MANY, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    manifest = publish(made_project(tmp_path, chunks, vectors), params)
    engine = open_store(made_project(tmp_path, chunks, vectors), params.index).open(manifest)
    yield Counting(engine), Keywords(manifest.mean_words), vectors
    engine.close()


def test_a_search_asks_twice_for_scores_and_only_for_the_chunks_that_it_shows(tmp_path, params):
    with opened(tmp_path, params) as (engine, keywords, vectors):
        Index(engine, keywords, DIMENSION).search("word3 other5", vectors[0], 10)
        assert [number for name, number in engine.calls if name == "nearest"] == [2, 3, 1]  # identifiers as well
        assert engine.calls[-1] == ("chunks", 10)
        [(_, candidates)] = [call for call in engine.calls if call[0] == "summaries"]
        assert 50 < candidates <= 100


def test_without_words_only_the_vector_is_asked_for(tmp_path, params):
    with opened(tmp_path, params) as (engine, keywords, vectors):
        assert len(Index(engine, keywords, DIMENSION).search("?", vectors[0], 5)) == 5
        assert engine.calls == [("nearest", 1), ("summaries", 50), ("nearest", 1), ("chunks", 5)]


@pytest.mark.parametrize("scope", [Scope(), Scope(must={"path": ["p3.py", "p17.py"]})])
def test_both_scores_of_every_hit_are_what_looking_at_all_points_gives(tmp_path, params, scope):
    with opened(tmp_path, params) as (engine, keywords, vectors):
        for row in range(0, MANY, 60):
            text = f"word{row % 7} other{row % 5}"
            near, said = engine.engine.nearest(
                Search(vectors[row], MANY, scope), Search(keywords.query(text), MANY, scope)
            )
            cosine = {id: one["chunk_id"] for id, one in engine.engine.chunks([one.id for one in near]).items()}
            whole = {cosine[one.id]: one.score for one in near}
            words = {cosine[one.id]: one.score for one in said}
            hits = Index(engine, keywords, DIMENSION).search(text, vectors[row], 20, scope)
            assert hits
            for hit in hits:
                assert hit.similarity == pytest.approx(whole[hit.chunk_id], abs=1e-5)
                assert hit.keywords == pytest.approx(words.get(hit.chunk_id, 0.0), abs=1e-3)
