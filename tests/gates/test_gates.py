"""The gates: a real gain passes, luck and ties do not, harm never; each says what it judged and by which examples."""

import json

import numpy as np
import pytest

from pipelines.config.schema import Evaluation, Gate
from pipelines.evaluation.arms import ARMS
from pipelines.gates import decide, top_moves


def gate(**changes):
    values = {
        "name": "better",
        "metric": "bits_per_byte",
        "arm": "adapter",
        "against": "base",
        "margin": 0.03,
        "confidence": 0.95,
        "severity": "block",
    }
    return Gate(**{**values, **changes})


BETTER = gate()
NOT_WORSE = gate(name="not worse", against="champion", margin=0.02)
CONFIG = Evaluation(
    max_examples=200,
    generate_examples=0,
    max_new_tokens=1,
    context_passages=1,
    context_chars=1,
    retrieval_questions=4,
    memorisation_examples=0,
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
        "start_line": number + 10,
        "task": "explain",
        "language": "python",
        "bytes": 100,
        "bits": bits,
    }


def as_champion(records, bits):
    """The champion's records of the same examples."""
    return {one["example_id"]: {**one, "bits": {"adapter": value}} for one, value in zip(records, bits, strict=True)}


def judged(records, champion=None, gates=(BETTER, NOT_WORSE)):
    return decide(records, None if champion is None else as_champion(records, champion), gates, CONFIG)


def test_a_real_gain_passes_when_nothing_is_live():
    verdict = judged(scores(0.15))
    assert verdict.passed
    assert [gate.name for gate in verdict.gates] == ["better", "not worse"]
    assert verdict.gates[1].reason == "skipped: there is no champion yet"


def test_an_identical_adapter_never_passes_against_the_base():
    records = [record(f"{n % 7}.py", n, 100.0 + n, 100.0 + n) for n in range(70)]
    verdict = judged(records, gates=[gate(margin=0.0)])
    assert not verdict.passed
    assert "a gain is not shown" in verdict.failed[0].reason


def test_luck_alone_passes_in_at_most_five_of_a_hundred_nights():
    passed = sum(judged(scores(0.0, seed), gates=[gate(margin=0.0)]).passed for seed in range(100))
    assert passed <= 5


def test_a_sure_gain_that_is_too_small_says_how_much_is_missing():
    records = [record(f"{n % 7}.py", n, 100.0, 98.0) for n in range(70)]
    verdict = judged(records)
    assert not verdict.passed
    said = "the gain is 1.00% short: +2.00% (+2.00% to +2.00%), 70 examples of 7 files"
    assert verdict.failed[0].reason == said


def test_harm_fails_and_shows_its_numbers():
    failed = judged(scores(-0.1)).failed[0]
    assert failed.low < failed.value < failed.high < 0
    assert "3.0%" in failed.rule


def test_an_adapter_like_the_champion_is_not_worse():
    records = scores(0.15)
    verdict = judged(records, [one["bits"]["adapter"] for one in records])
    assert verdict.passed
    assert verdict.gates[1].value == 0
    assert verdict.gates[1].moved == ()


def test_a_tie_with_the_margin_does_not_pass():
    records = [record(f"{n % 7}.py", n, 200.0, 102.0) for n in range(70)]
    verdict = judged(records, [100.0] * 70)
    assert [gate.name for gate in verdict.failed] == ["not worse"]


@pytest.mark.parametrize(
    ("against", "words"), [(0.92, "it is worse by more than 2.0%"), (0.985, "it may be worse by more than 2.0%")]
)
def test_worse_than_the_champion_fails_even_when_better_than_the_base(against, words):
    records = scores(0.15)
    draw = np.random.default_rng(9)
    champion = [one["bits"]["adapter"] * against * (1 + float(draw.normal(0, 0.03))) for one in records]
    verdict = judged(records, champion)
    assert [gate.name for gate in verdict.failed] == ["not worse"]
    assert words in verdict.failed[0].reason


def bare(records):
    """The same records of a night that trained nothing."""
    return [{**one, "bits": {arm: one["bits"][arm] for arm in ("base", "base+rag")}} for one in records]


def test_without_training_no_gain_is_asked_for():
    verdict = judged(bare(scores(0.15)))
    assert verdict.passed
    assert verdict.gates[0].reason.startswith("skipped: nothing was trained")


def test_without_training_the_base_model_must_not_be_worse_than_the_champion():
    records = scores(0.15)
    assert judged(bare(records), [one["bits"]["base"] for one in records]).passed
    verdict = judged(bare(records), [one["bits"]["adapter"] for one in records])
    assert [gate.name for gate in verdict.failed] == ["not worse"]


def test_better_than_both_passes():
    records = scores(0.15)
    assert judged(records, [one["bits"]["adapter"] * 1.05 for one in records]).passed


def test_only_examples_that_the_champion_was_measured_on_are_compared_with_it():
    records = scores(0.15)
    fair = records[:40]
    champion = as_champion(fair, [one["bits"]["adapter"] for one in fair])
    verdict = decide(records, champion, [BETTER, NOT_WORSE], CONFIG)
    assert "80 examples of 10 files" in verdict.gates[0].reason
    assert "40 examples of 5 files" in verdict.gates[1].reason


def test_a_champion_measured_on_other_examples_is_an_error():
    with pytest.raises(ValueError, match=r"1 examples that are not tonight's, such as z\.py0"):
        decide(scores(0.15), {"z.py0": {}}, [NOT_WORSE], CONFIG)


def test_too_few_files_show_nothing_however_clear_they_are():
    records = [record(f"{n % 4}.py", n, 100.0, 50.0) for n in range(40)]
    sure, less_sure = gate(name="sure"), gate(name="less sure", confidence=0.9)
    verdict = judged(records, [60.0] * 40, gates=[sure, less_sure, NOT_WORSE])
    assert [gate.passed for gate in verdict.gates] == [False, True, False]
    assert verdict.gates[0].reason.startswith("too few files to show anything at 95%: +50.00%")


def test_a_gate_that_only_warns_refuses_nothing_and_is_told():
    verdict = judged(scores(0.15), gates=[BETTER, gate(name="much better", margin=0.5, severity="warn")])
    assert verdict.passed
    assert [gate.name for gate in verdict.warned] == ["much better"]
    assert not verdict.gates[1].passed


def test_more_confidence_asks_for_more():
    records = scores(0.04, spread=0.05)
    passed = [judged(records, gates=[gate(margin=0.0, confidence=sure)]).passed for sure in (0.6, 0.999)]
    assert passed == [True, False]


def test_the_arm_with_passages_is_held_against_the_base_with_passages():
    records = scores(0.15)
    for one in records:
        one["bits"]["base+rag"] = one["bits"]["adapter+rag"]
    verdict = judged(records, gates=[BETTER, gate(name="with passages", arm="adapter+rag")])
    assert [gate.name for gate in verdict.failed] == ["with passages"]
    assert verdict.gates[1].value == 0


def test_the_examples_that_moved_a_gate_most_are_named_and_all_of_them_make_the_gain():
    records = [record(f"{n}.py", n, 100.0, 100.0) for n in range(7)]
    for place, adapter in ((2, 40.0), (5, 90.0), (4, 120.0)):
        records[place]["bits"]["adapter"] = adapter
    row = judged(records).rows()[0]
    assert [one["place"] for one in row["moved"]] == ["2.py:12", "4.py:14", "5.py:15"]
    assert sum(one["moved"] for one in row["moved"]) == pytest.approx(row["value"], abs=1e-5)
    assert top_moves(row)[0] == "+0.0857 by 2.py:12 (2.py2)"


def written(share, files=8):
    """Records of 5 examples a file, of which the adapter writes this share right and the base model none."""
    records = []
    for number in range(5 * files):
        one = record(f"{number % files}.py", number, 100.0, 90.0)
        right = float(number < share * 5 * files)
        one["metrics"] = {"base": {"syntax_validity": 0.0}, "adapter": {"syntax_validity": right}}
        records.append(one)
    return records


def test_a_share_is_compared_by_its_difference():
    parses = gate(metric="syntax_validity", margin=0.1)
    row = judged(written(0.5), gates=[parses]).gates[0]
    assert row.passed
    assert row.value == 0.5
    assert "+50.00 points" in row.reason
    assert "at least 10.0 points better than base" in row.rule


def test_a_share_beside_a_number_shows_its_own_value():
    over, under = (gate(metric="syntax_validity", against=number, margin=0.0) for number in (0.2, 0.9))
    passed, failed = judged(written(0.5), gates=[over, under]).gates
    assert (passed.passed, failed.passed) == (True, False)
    assert passed.value == 0.5
    assert "50.0% (" in passed.reason
    assert "better than 20.0%" in passed.rule


def test_bits_beside_a_number_are_better_when_fewer():
    records = [record(f"{n % 7}.py", n, 200.0, 100.0 + n % 3) for n in range(70)]
    fewer, more = (gate(against=number, margin=0.0) for number in (1.5, 0.5))
    assert [one.passed for one in judged(records, gates=[fewer, more]).gates] == [True, False]


def test_no_difference_seen_in_few_files_is_not_certainty_of_none():
    records = written(1.0)
    parses = gate(metric="syntax_validity", against="champion", margin=0.02)
    row = decide(records, {one["example_id"]: one for one in records}, [parses], CONFIG).gates[0]
    assert (row.value, row.passed) == (0, False)
    assert "it may be worse by more than 2.0 points" in row.reason


def forgetful(more, files=8):
    """Records of code in general for which the adapter needs this share of bits more."""
    return [
        {**record(f"{n % files}.go", n, 1.0, 1.0), "bits": {}, "general": {"base": 100.0, "adapter": 100 * (1 + more)}}
        for n in range(3 * files)
    ]


def test_forgetting_is_held_against_a_number_and_against_the_champion():
    little = gate(metric="forgetting", against=0.1, margin=0.0)
    not_more = gate(name="not more", metric="forgetting", against="champion", margin=0.02)
    for more, passed in ((0.04, [True, True]), (0.08, [True, False]), (0.2, [False, False])):
        champion = {one["example_id"]: one for one in forgetful(0.05)}
        judged = decide([*scores(0.15), *forgetful(more)], champion, [little, not_more], CONFIG).gates
        assert [one.passed for one in judged] == passed
        assert judged[0].value == pytest.approx(more)
        assert judged[1].value == pytest.approx(0.05 - more)


def test_memorisation_is_held_against_a_number_and_of_training_files_alone():
    strings = [{**record(f"{n % 8}.go", n, 1.0, 1.0), "bits": {}} for n in range(24)]
    for written, passed in ((0.0, True), (1.0, False)):
        cases = [{**one, "extracted": {"base": 0.0, "adapter": written}} for one in strings]
        cases += [{**one, "guessed": {"base": 1.0, "adapter": 1.0}} for one in strings]
        (one,) = decide(
            [*scores(0.15), *cases], None, [gate(metric="memorisation", against=0.4, margin=0.0)], CONFIG
        ).gates
        assert (one.passed, one.value) == (passed, written)


def test_what_was_not_measured_does_not_pass():
    row = judged(scores(0.15), gates=[gate(metric="syntax_validity")]).gates[0]
    assert (row.passed, row.reason, row.value) == (False, "nothing was measured", None)


def test_rows_are_plain_values():
    rows = judged(scores(0.15)).rows()
    assert json.loads(json.dumps(rows)) == rows
    assert rows[1]["value"] is None
