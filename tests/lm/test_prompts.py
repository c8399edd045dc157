"""A request in other words asks for the same; what is shown with it stays."""

import pytest

from pipelines.lm import prompts

CODE = "def f(x):\n    return x"
REQUESTS = [
    prompts.explain_prompt("f", "a.py", "python", CODE),
    prompts.implement_prompt("f", "a.py", "python", "Write the body of tests.", "def f(x):"),
    prompts.edit_prompt("f", "a.py", "python", CODE, "Explain `g` in b.py."),
    prompts.unit_test_prompt("f", "a.py", "python", CODE, "test_f", "test_a.py"),
    prompts.purpose_question("f", "a.py"),
    prompts.section_question("a.md", "Use > Install"),
    prompts.add_declarations(
        prompts.implement_prompt("f", "a.py", "python", "", "def f(x):"), "python", ["# a.py\ng = 1"]
    ),
]


@pytest.mark.parametrize("request_text", REQUESTS)
def test_every_request_has_other_words_that_keep_its_names_and_what_is_shown(request_text):
    other = prompts.reword(request_text)
    assert other is not None
    lines, told = request_text.splitlines(), other.splitlines()
    changed = [pair for pair in zip(lines, told, strict=True) if pair[0] != pair[1]]
    assert len(changed) == 1
    before, after = changed[0]
    assert "a.md" in after if "a.md" in before else ("`f`" in after and "a.py" in after)


def test_what_is_no_request_has_no_other_words():
    assert prompts.reword("return x") is None
