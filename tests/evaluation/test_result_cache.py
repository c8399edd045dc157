"""An arm that has not changed is not asked again, one that has is; what comes back is what was said."""

import pytest

from pipelines.evaluation.result_cache import CachedModel

PAIRS = [("a", "return 1"), ("b", "return ü")]


class Counting:
    """Says something else for each adapter, and counts how often it is asked."""

    def __init__(self, adapter=1.25):
        self.adapter, self.calls = adapter, []

    def score(self, pairs, *, adapted):
        self.calls.append(("score", adapted))
        return [len(completion) / 3 * (self.adapter if adapted else 1) for _, completion in pairs]

    def generate(self, prompts, max_new_tokens, *, adapted=True):
        self.calls.append(("generate", adapted))
        return [f"ü{prompt}{max_new_tokens}{adapted}" for prompt in prompts]


@pytest.fixture
def asked(tmp_path):
    """Asks a fresh model everything, through the same folder; returns its answers and which calls reached it."""

    def ask(adapter="one", pairs=PAIRS, tokens=8):
        model = Counting()
        kept = CachedModel(model, tmp_path, "base", adapter)
        said = [kept.score(pairs, adapted=on) for on in (False, True)]
        said += [kept.generate([p for p, _ in pairs], tokens, adapted=on) for on in (False, True)]
        kept.forget_others()
        return said, model.calls

    return ask


def test_the_same_questions_are_answered_without_the_model_and_to_the_last_digit(asked):
    first, calls = asked()
    assert len(calls) == 4
    assert asked() == (first, [])


def test_with_another_adapter_the_base_is_not_asked_again(asked):
    asked()
    assert asked(adapter="two")[1] == [("score", True), ("generate", True)]


def test_one_other_pair_asks_for_all_of_its_call_again(asked):
    asked()
    assert len(asked(pairs=[PAIRS[0], ("b", "return 2")])[1]) == 2
    assert asked(tokens=9)[1] == [("score", False), ("score", True), ("generate", False), ("generate", True)]


def test_what_was_not_asked_is_forgotten(asked, tmp_path):
    asked(adapter="one")
    asked(adapter="two")
    (tmp_path / ".half.json.123.tmp").write_text("[")
    asked(adapter="two")
    assert len(list(tmp_path.iterdir())) == 4
    assert len(asked(adapter="one")[1]) == 2
