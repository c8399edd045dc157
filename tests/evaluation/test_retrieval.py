"""Code asked for by its documentation: that is gone from what is searched, and the metrics are the known ones."""

import pytest
from night_files import CONFIG, symbols
from sklearn.metrics import ndcg_score

from pipelines.encoder.known_item_queries import METRICS, make_questions, remove_documentation, score
from pipelines.evaluation.retrieval import summarise_retrieval

FILE = b'def f(x):\n    """Halves \xc3\xbc."""\n    return x / 2\n'


def chunk(start, end):
    return {"path": "a.py", "start_byte": start, "end_byte": end, "text": FILE[start:end].decode(errors="ignore")}


@pytest.mark.parametrize(("start", "end"), [(0, len(FILE)), (4, 40), (20, len(FILE)), (0, 25)])
def test_the_documentation_is_taken_out_of_every_passage_that_holds_some_of_it(start, end):
    first, last = FILE.index(b'"""'), FILE.rindex(b'"""') + 3
    passage = chunk(start, end)
    left = remove_documentation([passage, {**passage, "path": "b.py"}], [{"path": "a.py", "doc_range": [first, last]}])
    assert left[0]["text"] == (FILE[start : max(start, first)] + FILE[max(last, start) : end]).decode()
    assert left[1] == {**passage, "path": "b.py"}


def test_a_question_that_two_symbols_answer_is_not_asked():
    one, *others = symbols()
    twin = {**one, "symbol_id": "twin"}
    assert {s["symbol_id"] for s in make_questions([one, twin, *others], CONFIG.retrieval_questions, CONFIG.seed)} == {
        s["symbol_id"] for s in others
    }


def test_classes_undocumented_and_barely_documented_symbols_are_not_asked():
    one = symbols()[0]
    others = [{**one, "kind": "class"}, {**one, "doc": None}, {**one, "doc": "Runs."}]
    assert make_questions(others, CONFIG.retrieval_questions, CONFIG.seed) == []


def test_a_smaller_number_of_questions_is_part_of_a_larger_one():
    many, few = ([s["symbol_id"] for s in make_questions(symbols(), count, CONFIG.seed)] for count in (4, 2))
    assert few == many[:2]
    assert len(many) == 4


@pytest.mark.parametrize(("ranks", "relevant"), [([1], 1), ([3], 1), ([2, 7], 2), ([1, 2, 9], 5), ([], 2)])
def test_ndcg_is_that_of_scikit_learn(ranks, relevant):
    listed = 12
    truth = [float(place in ranks) for place in range(1, listed + 1)] + [1.0] * (relevant - len(ranks))
    order = [float(len(truth) - place) for place in range(len(truth))]
    order[listed:] = [-1.0] * (relevant - len(ranks))
    assert score(ranks, relevant)["ndcg@10"] == pytest.approx(ndcg_score([truth], [order], k=10), abs=1e-6)


def test_recall_and_reciprocal_rank_are_counted_by_hand():
    found = score([2, 7], 4)
    assert (found["recall@1"], found["recall@5"], found["recall@10"], found["mrr"]) == (0, 0.25, 0.5, 0.5)
    assert score([], 0) == dict.fromkeys(METRICS, 0.0)


def test_figures_have_intervals_and_are_told_by_language():
    records = [
        {"path": f"{n % 6}.py", "language": "go" if n % 2 else "python", **score([1 + n % 3], 1)} for n in range(24)
    ]
    found = summarise_retrieval(records, CONFIG)
    assert found["metrics"]["mrr"]["low"] < found["metrics"]["mrr"]["value"] == pytest.approx(0.611111)
    assert {name: group["questions"] for name, group in found["by_language"].items()} == {"go": 12, "python": 12}
    assert summarise_retrieval([], CONFIG) == {}
