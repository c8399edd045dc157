"""The intervals: they cover, they are paired, they know whole files, and few files make them honest."""

import numpy as np
import pytest

from pipelines.evaluation.bootstrap import Bootstrap, Figure


def simulated(seed, files=12, per_file=8, gain=0.05, between=0.04, within=0.05):
    """Bits of a base and of an adapter whose true gain is `gain`; each file and each example has its own luck."""
    draw = np.random.default_rng(seed)
    paths = [f"{file}.py" for file in range(files) for _ in range(per_file)]
    base = draw.lognormal(5, 1, files * per_file)
    luck = np.repeat(draw.normal(0, between, files), per_file) + draw.normal(0, within, files * per_file)
    return paths, base, base * (1 - gain + luck)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        paths, base, adapter = simulated(seed)
        gain = Bootstrap(paths, 400, 0.95, 17).gain(adapter, base)
        covered += gain.low <= 0.05 <= gain.high
    assert 0.88 <= covered / 200 <= 0.99


def test_drawing_examples_instead_of_files_would_be_too_sure():
    paths, base, adapter = simulated(1, files=6, per_file=40, between=0.08, within=0.01)
    by_file = Bootstrap(paths, 1000, 0.95, 17).gain(adapter, base)
    by_example = Bootstrap([str(n) for n in range(len(paths))], 1000, 0.95, 17).gain(adapter, base)
    assert by_file.high - by_file.low > 2 * (by_example.high - by_example.low)


def test_arms_are_compared_on_the_same_draws():
    paths, base, _ = simulated(2)
    gain = Bootstrap(paths, 400, 0.95, 17).gain(base * 0.9, base)
    assert gain.low == pytest.approx(0.1)
    assert gain.high == pytest.approx(0.1)


def test_an_identical_arm_gains_exactly_nothing():
    paths, base, _ = simulated(3)
    assert Bootstrap(paths, 400, 0.95, 17).gain(base, base) == Figure(0.0, 0.0, 0.0)


def test_the_same_seed_makes_the_same_interval_and_another_does_not():
    paths, base, adapter = simulated(4)
    first, again, other = (Bootstrap(paths, 400, 0.95, seed).gain(adapter, base) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_more_confidence_is_a_wider_interval():
    paths, base, adapter = simulated(5)
    narrow, wide = (Bootstrap(paths, 2000, confidence, 17).gain(adapter, base) for confidence in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


@pytest.mark.parametrize("files", [1, 2, 4])
def test_few_files_still_have_an_interval_and_a_note(files):
    paths, base, adapter = simulated(6, files=files)
    draws = Bootstrap(paths, 400, 0.95, 17)
    gain = draws.gain(adapter, base)
    assert gain.low < gain.value < gain.high
    assert ("one file" if files == 1 else f"Only {files} files") in draws.note


def test_one_example_has_no_width_and_says_why():
    draws = Bootstrap(["a.py"], 400, 0.95, 17)
    assert draws.gain([80.0], [100.0]).record() == {"value": 0.2, "low": 0.2, "high": 0.2}
    assert draws.note


def test_enough_files_need_no_note():
    assert Bootstrap([f"{n}.py" for n in range(5)], 400, 0.95, 17).note == ""


def test_nothing_to_measure_is_no_figure():
    assert Bootstrap(["a.py"], 400, 0.95, 17).ratio([0.0], [0.0]) == Figure()
    assert Figure().record() == {"value": None, "low": None, "high": None}


def test_no_hit_in_few_files_is_not_certainty_of_none():
    paths = [f"{n % 6}.py" for n in range(24)]
    none = Bootstrap(paths, 400, 0.95, 17).mean([0.0] * 24)
    every = Bootstrap(paths, 400, 0.95, 17).mean([1.0] * 24)
    assert none.low == 0
    assert 0.3 < none.high < 0.5
    assert every.high == 1
    assert every.low == pytest.approx(1 - none.high)


def test_a_difference_is_paired_and_no_difference_in_few_files_is_not_certainty():
    paths = [f"{n % 6}.py" for n in range(24)]
    draws, ones = Bootstrap(paths, 400, 0.95, 17), [1.0] * 24
    left, right = [float(n % 3 == 0) for n in range(24)], [float(n % 4 == 0) for n in range(24)]
    found = draws.difference(left, right, ones)
    assert found.value == pytest.approx(8 / 24 - 6 / 24)
    assert found.low < found.value < found.high
    same = draws.difference(left, left, ones)
    assert same.value == 0
    assert same.high == -same.low > 0.3


def test_a_mean_with_some_hits_has_an_ordinary_interval():
    paths = [f"{n % 6}.py" for n in range(24)]
    some = Bootstrap(paths, 400, 0.95, 17).mean([float(n % 4 == 0) for n in range(24)])
    assert 0 <= some.low < some.value == 0.25 < some.high <= 1
