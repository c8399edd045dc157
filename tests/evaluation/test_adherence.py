"""A case passes by its patterns and by what compiles; nothing else."""

import pytest
from night_files import CASES, CONFIG

from pipelines.evaluation.arms import ARMS
from pipelines.evaluation.suites import count_passed, summarise_suites


def case(**changes):
    return {**CASES[0], "expected_patterns": [], **changes}


@pytest.mark.parametrize(
    ("changes", "answer", "score"),
    [
        ({"expected_patterns": ["subclass:", r"^def \w+\("]}, "Object subclass: #A\ndef go():", 1),
        ({"expected_patterns": ["subclass:", "def"]}, "Object subclass: #A", 0),
        ({"forbidden_patterns": [r"\beval\("]}, "return evaluate(x)", 1),
        ({"forbidden_patterns": [r"\beval\("]}, "return eval(x)", 0),
        ({"must_compile": True, "language": "python"}, "Here it is:\n```python\nx = 1\n```\nas you said (", 1),
        ({"must_compile": True, "language": "python"}, "x = (1", 0),
        ({"must_compile": True, "language": "python"}, "return x", 0),
        ({"must_compile": True, "language": "python"}, "", 0),
        ({"must_compile": True, "language": "go"}, "package a\n\nfunc f() {}\n", 1),
        ({"must_compile": True, "language": "go"}, "func f( {", 0),
        ({"must_compile": True, "language": "python", "expected_patterns": ["y"]}, "x = 1", 0),
    ],
)
def test_a_case_passes_by_its_patterns_and_what_compiles(changes, answer, score):
    assert count_passed(case(**changes), answer) == score


def test_adherence_is_the_share_of_cases_and_is_told_for_each_suite():
    records = [
        {
            "path": f"{number}",
            "suite": "a.json" if number < 6 else "b.json",
            "metrics": {arm: {"pattern_adherence": float(number % 4 == 0)} for arm in ARMS},
        }
        for number in range(12)
    ]
    found = summarise_suites(records, CONFIG)
    assert (found["cases"], found["arms"]["adapter"]["value"]) == (12, 0.25)
    assert {name: group["cases"] for name, group in found["by_suite"].items()} == {"a.json": 6, "b.json": 6}
    assert summarise_suites([], CONFIG) == {}
