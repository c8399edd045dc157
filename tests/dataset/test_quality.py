"""What makes an example worth more or less, part by part."""

import pytest
from test_dataset import NANO_CODER, PARAMS, ROOT, drafts_of, symbol  # noqa: F401

from pipelines.dataset.filters import admit
from pipelines.dataset.quality import COMPLEX, STRAIGHT, UNTESTED, Quality
from pipelines.lm.base_model import load_tokenizer

BODY = "    total = first + second\n    if total > limit:\n        raise Overflow(total)\n    return total\n"


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(str(NANO_CODER), ROOT)


def scored(completion=BODY, symbols=(), **changes):
    draft = {
        "task": "implement", "path": "a.py", "blob": "blob of a.py", "language": "python", "prompt": "Write add.",
        "start_byte": 67, "end_byte": 80, "completion": completion,
    }  # fmt: skip
    return Quality(symbols).of({**draft, **changes})


def parts(*arguments, **changes):
    return scored(*arguments, **changes)["quality_parts"]


def test_a_plain_function_loses_nothing():
    assert scored() == {"quality": 1.0, "quality_parts": {"length": 1.0, "words": 1.0, "code": 1.0, "fresh": 1.0}}


def test_the_score_is_the_geometric_mean_of_its_parts():
    found = scored("return x")
    assert found["quality_parts"] == {"length": 0.175, "words": 1.0, "code": 1.0, "fresh": 1.0}
    assert found["quality"] == pytest.approx(0.175**0.25, abs=0.001)


@pytest.mark.parametrize(
    ("completion", "language"),
    [
        ("# first this, then that\n# and then nothing else\n", "python"),
        ('"""Only a text\nof several lines."""', "python"),
        ("// first this, then that\n/* and then\n nothing else */", "go"),
        ("{\n  1.5: [2, 0x3F],\n  'four': \"five\"\n}", "javascript"),
    ],
)
def test_comments_and_literals_alone_are_worth_nothing(completion, language):
    assert parts(completion, language=language)["code"] == 0
    assert scored(completion, language=language)["quality"] == 0


def test_an_include_is_no_comment_in_c():
    assert parts("#include <stdio.h>\n#define LIMIT 20", language="c")["code"] == 1


def test_half_of_it_comments_is_half_the_code():
    assert parts("# why this is so\nreturn first + second")["code"] == 0.5


def test_what_stands_in_the_prompt_teaches_only_to_copy():
    assert parts(prompt=f"def add():\n{BODY}")["fresh"] == 0
    assert parts(prompt="def add():\n    total = first + second\n    return None\n")["fresh"] == 0.75
    assert "fresh" not in parts(prompt=BODY, task="commit_edits")


def test_documentation_that_repeats_the_name_is_no_sentence():
    known = [symbol() | {"name": "read_configFile", "qualified_name": "App.read_configFile"}]
    repeated = parts("Read config file.", known, task="explain", start_byte=0)
    told = parts("Values of the user, merged over those that ship with it.", known, task="explain", start_byte=0)
    assert repeated["sentence"] == 0
    assert told["sentence"] == 1
    assert "code" not in repeated


def test_long_dumps_and_rulers_lose():
    assert parts("x" * 15_000)["length"] == 0.1
    assert parts("+---+---+---+---+---+---+ a")["words"] < 0.1


def facts(**changes):
    return [symbol() | {"tested": True, "complexity": 3} | changes]


def test_what_is_tested_and_branches_a_little_is_worth_most():
    assert parts(symbols=facts())["tested"] == parts(symbols=facts())["complexity"] == 1
    assert parts(symbols=facts(tested=False))["tested"] == UNTESTED
    assert parts(symbols=facts(complexity=1))["complexity"] == STRAIGHT
    assert parts(symbols=facts(complexity=2 * COMPLEX))["complexity"] == 0.5


def test_nobody_tests_a_test():
    test = facts(path="tests/test_a.py", tested=False)
    assert "tested" not in parts(symbols=test, path="tests/test_a.py")


def test_only_the_innermost_symbol_of_the_same_bytes_counts():
    around = facts(complexity=60, start_byte=0, end_byte=500)[0]
    inside = facts(complexity=3, start_byte=60)[0]
    assert parts(symbols=[inside, around])["complexity"] == 1
    assert parts(symbols=[inside, around], end_byte=400)["complexity"] == 0.25
    assert "complexity" not in parts(symbols=[inside, around], blob="another")
    assert "complexity" not in parts(symbols=[inside, around], start_byte=501, end_byte=502)


def test_an_example_carries_its_score_and_nothing_is_left_out_for_it(tokenizer, drafts_of):  # noqa: F811
    examples, quarantined = admit(
        drafts_of(symbol(body="    return 1\n" + "    # no\n" * 3)), tokenizer, PARAMS.dataset, "d"
    )
    assert len(examples) == 2
    assert not quarantined
    for example in examples:
        assert 0 <= example["quality"] <= 1
        assert {"length", "words"} <= set(example["quality_parts"])


def test_below_the_minimum_an_example_is_quarantined_with_its_figures(tokenizer, drafts_of):  # noqa: F811
    params = PARAMS.dataset.model_copy(update={"min_quality": 0.5})
    poor = symbol("poor.py", body="    # to be done\n    # some day\n    # perhaps\n")
    examples, quarantined = admit(drafts_of(symbol(), poor), tokenizer, params, "demo")
    assert {(example["path"], example["task"]) for example in examples} >= {("a.py", "implement"), ("a.py", "explain")}
    (row,) = (row for row in quarantined if row["path"] == "poor.py")
    assert row["task"] == "implement"
    assert row["rule"] == "low_quality"
    assert "quality 0 (length 0.625, words 1, code 0, fresh 1)" in row["reason"]
    assert row["reason"].endswith("at least 0.5 (dataset.min_quality)")
