"""What counts as right: the same text, a near text, a file that still parses."""

import pytest

from pipelines.evaluation.text_metrics import chrf, edit_similarity, exact_match, syntax_validity

SOURCE = 'def double(x):\n    return 2 * x\n\n\nname = "ü"\ndef half(x):\n    return x / 2\n'
BODY = "return x / 2"


def placed(task="implement", source=SOURCE, completion=BODY):
    start = source.encode().index(completion.encode())
    example = {"path": "a.py", "language": "python", "task": task, "completion": completion}
    example |= {"start_byte": start, "end_byte": start + len(completion.encode())}
    return example, {"a.py": {"path": "a.py", "text": source}}


def test_white_space_around_does_not_matter():
    assert exact_match("return 1", " return 1\n") == 1
    assert exact_match("return 1", "return  1") == 0
    assert edit_similarity("return 1\n", "return 1") == 1


def test_similarity_is_the_share_of_characters_that_need_no_edit():
    assert edit_similarity("abcd", "abcx") == pytest.approx(0.75)
    assert edit_similarity("abcd", "") == 0
    assert edit_similarity("", "") == 1


@pytest.mark.parametrize(
    ("expected", "generated", "score"),
    [
        ("return value + 1", "return value - 1", 0.817061642061642),
        ("def add(a, b):\n    return a + b", "def add(a, b):\n    return sum((a, b))", 0.7922265014453551),
        ("for item in items:\n    print(item)", "while True:\n    pass", 0.05681047347714015),
        ("ab", "abc", 0.875),
        ("same text", "same\ntext", 1.0),
        ("x", "y", 0.0),
        ("x = 1", "", 0.0),
    ],
)
def test_chrf_is_that_of_sacrebleu_2_6(expected, generated, score):
    assert chrf(expected, generated) == pytest.approx(score)


def test_python_must_compile_where_the_grammar_alone_is_content():
    example, files = placed(source="x = 1\n" + BODY.replace("return ", "y = ") + "\n", completion="y = x / 2")
    assert syntax_validity(example, "y = 2 * x", files) == 1
    assert syntax_validity(example, "return x", files) == 0


def test_generated_code_is_judged_in_its_place():
    example, files = placed()
    assert syntax_validity(example, "return 0.5 * x", files) == 1
    assert syntax_validity(example, "return (0.5 * x", files) == 0


def test_an_explanation_has_no_syntax():
    example, files = placed(task="explain")
    assert syntax_validity(example, "Half of x.", files) is None


def test_a_file_that_never_parsed_does_not_count():
    example, files = placed(source=SOURCE + "def (:\n")
    assert syntax_validity(example, "return 0.5 * x", files) is None


def test_a_file_that_is_not_there_does_not_count():
    example, _ = placed()
    assert syntax_validity(example, "return 0.5 * x", {}) is None


def test_prose_has_no_syntax():
    example, files = placed(source="# Half\n\nreturn x / 2\n")
    assert syntax_validity({**example, "language": "markdown"}, "return (", files) is None


def test_smalltalk_is_judged_by_its_own_reader():
    example, files = placed(source="!Half methodsFor: 'x'!\nof: x\n\treturn x / 2! !\n")
    assert syntax_validity({**example, "language": "smalltalk"}, "^x / 2", files) == 1
    assert syntax_validity({**example, "language": "smalltalk"}, "^(x / 2", files) == 0


def test_a_place_in_another_version_of_the_file_does_not_count():
    example, files = placed()
    files["a.py"]["blob"] = "later"
    assert syntax_validity({**example, "blob": "earlier"}, "return 0.5 * x", files) is None
    assert syntax_validity({**example, "blob": "later"}, "return 0.5 * x", files) == 1
