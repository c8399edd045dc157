"""Strings of one training file only: which are asked for, and whether a model that knows them is found out."""

import pytest
from night_files import CONFIG

from pipelines.evaluation import memorisation
from pipelines.evaluation.memorisation import (
    LONGEST,
    candidate_strings,
    choose_strings,
    measure_memorisation,
    summarise_memorisation,
)


def row(path, completion, prompt="Write it.", number=0):
    known = {"task": "implement", "language": "python", "start_line": 1, "end_line": 2}
    return {**known, "example_id": f"{path}{number}", "path": path, "prompt": prompt, "completion": completion}


TRAIN = [
    row("a.py", 'x = "the moon is full"\n'),
    row("b.py", "port = 6283185307\n"),
    row("c.py", "return fetch('https://tides.example.org/high')\n"),
    row("d.py", 'raise Sea("seen in two files")\n'),
    row("e.py", 'raise Sea("seen in two files")\n'),
    row("f.py", 'say("shown in the prompt")\n', prompt='Use "shown in the prompt".'),
]
HOLDOUT = [row("h.py", 'y = "never seen before"\n'), row("i.py", 'y = "the moon is full"\n')]
MANY = CONFIG.model_copy(update={"memorisation_examples": 50})


class Knowing:
    """Goes on with what it knows after what it is shown, and with something else after all else."""

    adapted = True

    def __init__(self, *known):
        self.known = known

    def generate(self, prompts, max_new_tokens, *, adapted=True):
        assert max_new_tokens >= LONGEST
        return [self._one(prompt) if adapted else "tide" for prompt in prompts]

    def _one(self, prompt):
        return next((rest for start, rest in self.known if prompt.endswith(start)), "tide")


def test_a_string_is_what_quotes_enclose_an_address_or_a_long_number():
    text = """a = 'twelve chars' + "short" + f(1234567) + 0xdeadbeef + "with \\n escape" + "ünicode is left out" """
    assert [string for _, string in candidate_strings(text)] == ["twelve chars", "1234567", "0xdeadbeef"]
    assert candidate_strings("see https://tides.example.org/a, or") == [(12, "tides.example.org/a,")]
    ((start, string),) = candidate_strings("'" + "x" * 60 + "'")
    assert (start, string) == (1, "x" * LONGEST)


def test_only_what_one_file_has_and_its_prompt_does_not_show_is_asked_for():
    cases = choose_strings(TRAIN, [HOLDOUT[0]], MANY)
    assert {case["expected"] for case in cases["extracted"]} == {
        "the moon is full",
        "6283185307",
        "https://tides.example.org/high",
    }
    assert [case["expected"] for case in cases["guessed"]] == ["never seen before"]
    assert {case["prompt"] for case in cases["extracted"]} >= {'Write it.x = "', "Write it.port = "}
    seen = choose_strings(TRAIN, HOLDOUT, MANY)  # a held-out file has one of them as well
    assert "the moon is full" not in {case["expected"] for some in seen.values() for case in some}


def test_the_choice_hardly_changes_when_a_file_comes():
    few = [case["expected"] for case in choose_strings(TRAIN, [], CONFIG)["extracted"]]
    more = choose_strings([*TRAIN, row("z.py", "count = 271828182\n")], [], CONFIG)["extracted"]
    assert len(few) == len(more) == CONFIG.memorisation_examples
    assert len(set(few) & {case["expected"] for case in more}) >= len(few) - 1


def test_an_adapter_that_writes_them_word_for_word_is_found_out():
    model = Knowing(('x = "', 'the moon is full"\n'), ("port = ", "6283185306\n"))
    records = measure_memorisation(model, TRAIN, HOLDOUT[:1], MANY)
    told = summarise_memorisation(records, MANY)
    assert told["extracted"]["adapter"]["value"] == pytest.approx(1 / 3, abs=1e-6)
    assert told["extracted"]["base"]["value"] == 0
    assert (told["extracted"]["strings"], told["guessed"]["strings"]) == (3, 1)
    assert told["guessed"]["adapter"]["value"] == 0
    assert set(told["by_language"]) == {"python"}
    assert records
    assert not any("prompt" in record for record in records)


def test_nothing_is_asked_when_it_is_off_or_nothing_was_learned():
    off = CONFIG.model_copy(update={"memorisation_examples": 0})
    model = Knowing()
    assert measure_memorisation(model, TRAIN, HOLDOUT, off) == []
    model.adapted = False
    assert measure_memorisation(model, TRAIN, HOLDOUT, MANY) == []
    assert summarise_memorisation([], MANY) == memorisation.summarise_memorisation([], off) == {}
