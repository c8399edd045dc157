"""The gates: a real gain passes, luck and ties do not, harm never."""

import numpy as np
import pytest

from pipelines.evaluation.arms import ARMS
from pipelines.evaluation.summary import summary
from pipelines.gates import decide
from pipelines.params import Evaluation, Gates

GATES = Gates(min_gain=0.03, champion_margin=0.02)
CONFIG = Evaluation(
    max_examples=200,
    generate_examples=0,
    max_new_tokens=1,
    context_passages=1,
    context_chars=1,
    bootstrap=400,
    confidence=0.95,
    seed=17,
)


def scores(gain, seed=0, files=10, spread=0.03):
    """Records of 10 files of 8 examples whose adapter has a true gain, and luck by file and by example."""
    draw = np.random.default_rng(seed)
    records = []
    for file in range(files):
        fortune = draw.normal(0, spread)
        for number in range(8):
            base = float(draw.lognormal(5, 1))
            adapter = base * (1 - gain + fortune + float(draw.normal(0, spread)))
            records.append(record(f"{file}.py", number, base, adapter))
    return records


def record(path, number, base, adapter):
    bits = {arm: adapter if arm.startswith("adapter") else base for arm in ARMS}
    return {
        "example_id": f"{path}{number}",
        "path": path,
        "task": "explain",
        "language": "python",
        "bytes": 100,
        "bits": bits,
    }


def judged(records, champion=None, gates=GATES):
    return decide(summary(records, CONFIG), records, champion, gates, CONFIG)


def test_a_real_gain_passes_when_nothing_is_live():
    verdict = judged(scores(0.15))
    assert verdict.passed
    assert [gate.name for gate in verdict.gates] == ["adapter against base", "adapter against champion"]
    assert verdict.gates[1].reason == "skipped: there is no champion yet"


def test_an_identical_adapter_never_passes_the_base_gate():
    records = [record(f"{n % 7}.py", n, 100.0 + n, 100.0 + n) for n in range(70)]
    for least in (0.0, -1.0):
        verdict = judged(records, gates=Gates(min_gain=least, champion_margin=0.02))
        assert not verdict.passed
        assert "a gain is not shown" in verdict.failed[0].reason


def test_luck_alone_passes_in_at_most_five_of_a_hundred_nights():
    lucky = Gates(min_gain=0.0, champion_margin=0.02)
    passed = sum(judged(scores(0.0, seed), gates=lucky).passed for seed in range(100))
    assert passed <= 5


def test_a_sure_gain_that_is_too_small_says_how_much_is_missing():
    records = [record(f"{n % 7}.py", n, 100.0, 98.0) for n in range(70)]
    verdict = judged(records)
    assert not verdict.passed
    assert verdict.failed[0].reason == "the gain is 1.00% short: +2.00% (+2.00% to +2.00%)"


def test_harm_fails_and_shows_its_numbers():
    verdict = judged(scores(-0.1))
    gate = verdict.failed[0]
    assert gate.value < gate.low + 1 < gate.high + 1
    assert gate.high < 0
    assert "3.0%" in gate.rule


def test_an_adapter_like_the_champion_is_not_worse():
    records = scores(0.15)
    verdict = judged(records, [one["bits"]["adapter"] for one in records])
    assert verdict.passed
    assert verdict.gates[1].value == 0


def test_a_tie_with_the_margin_does_not_pass():
    records = [record(f"{n % 7}.py", n, 200.0, 102.0) for n in range(70)]
    verdict = judged(records, [100.0] * 70)
    assert [gate.name for gate in verdict.failed] == ["adapter against champion"]


@pytest.mark.parametrize(
    ("against", "words"), [(0.92, "it is worse by more than 2.0%"), (0.985, "it may be worse by more than 2.0%")]
)
def test_worse_than_the_champion_fails_even_when_better_than_the_base(against, words):
    records = scores(0.15)
    draw = np.random.default_rng(9)
    champion = [one["bits"]["adapter"] * against * (1 + float(draw.normal(0, 0.03))) for one in records]
    verdict = judged(records, champion)
    assert [gate.name for gate in verdict.failed] == ["adapter against champion"]
    assert words in verdict.failed[0].reason


def test_better_than_both_passes():
    records = scores(0.15)
    assert judged(records, [one["bits"]["adapter"] * 1.05 for one in records]).passed


def test_a_champion_measured_on_other_examples_is_an_error():
    with pytest.raises(ValueError, match="3 champion bits for 80 examples"):
        judged(scores(0.15), [1.0, 2.0, 3.0])


def test_rows_are_plain_values():
    rows = judged(scores(0.15)).rows()
    assert [set(row) for row in rows] == [{"name", "value", "low", "high", "rule", "passed", "reason"}] * 2
    assert rows[1]["value"] is None
