"""The same search gives the same order, however the points came in and whatever an engine's last bits are."""

import numpy as np
from test_index import some_chunks, unit_vectors

from pipelines.index import temporary_index
from pipelines.index.search.tie_breaking import NOISE, stable_order


def test_what_follows_more_closely_than_an_engines_errors_is_in_the_order_of_its_key():
    scores = {"c": 0.5 + NOISE / 2, "a": 0.5, "b": 0.5 - NOISE / 2, "z": 0.6, "d": 0.4}
    for names in (list(scores), list(reversed(scores))):
        assert stable_order(names, scores.__getitem__, str) == ["z", "a", "b", "c", "d"]


def test_of_many_equal_chunks_the_same_are_found_in_whatever_order_they_came():
    one = {**some_chunks()[0], "text": "def again(): pass"}
    copies = [{**one, "chunk_id": f"c{number}", "path": f"p{number:03}.py"} for number in range(300)]
    vectors = np.repeat(unit_vectors(1), len(copies), axis=0)
    found = []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(copies))
        with temporary_index([copies[place] for place in order], vectors) as index:
            found.append([hit.chunk_id for hit in index.search("again", vectors[0], 10)])
    assert len(found[0]) == 10
    assert found[0] == found[1] == found[2]
