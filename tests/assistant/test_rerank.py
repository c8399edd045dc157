"""The second look: the judge's order and scores, and nothing of a hit but its score is changed."""

from dataclasses import replace

import pytest

from pipelines.assistant.rerank import rerank
from pipelines.index import Hit

HITS = [
    Hit(
        *(str(n), f"src/{n}.py", "python", "function", f"f{n}", 1, 2, f"def f{n}(): ...", "c", "b"),
        *(0.9 - n / 10, 0.5, 1.0, 1, 2),
    )
    for n in range(4)
]


class Judge:
    def __init__(self, *logits):
        self.given = logits

    def logits(self, question, texts):
        self.read = (question, texts)
        return list(self.given)


def test_hits_come_in_the_judges_order_with_the_sigmoid_as_their_score():
    found = rerank(Judge(-2.0, 0.0, 3.0, -1.0), "what?", HITS)
    assert [hit.chunk_id for hit in found] == ["2", "1", "3", "0"]
    assert [hit.score for hit in found] == pytest.approx([0.95257, 0.5, 0.26894, 0.1192], abs=1e-5)
    assert [replace(hit, score=HITS[int(hit.chunk_id)].score) for hit in found] == [HITS[n] for n in (2, 1, 3, 0)]


def test_equal_scores_keep_the_order_in_which_they_were_found():
    found = rerank(Judge(1.0, 1.0 + 1e-7, 2.0, 1.0 - 1e-7), "what?", HITS)
    assert [hit.chunk_id for hit in found] == ["2", "0", "1", "3"]


def test_where_the_sigmoid_has_no_room_left_the_order_is_still_the_judges():
    found = rerank(Judge(30.0, 40.0, -900.0, -800.0), "what?", HITS)
    assert [(hit.chunk_id, hit.score) for hit in found] == [("1", 1.0), ("0", 1.0), ("3", 0.0), ("2", 0.0)]


def test_the_judge_reads_the_question_and_path_symbol_and_text_of_each_hit():
    judge = Judge(0.0, 0.0)
    rerank(judge, "what?", [HITS[0], replace(HITS[1], symbol="")])
    assert judge.read == ("what?", ["src/0.py f0\ndef f0(): ...", "src/1.py \ndef f1(): ..."])
