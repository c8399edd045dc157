import json
from types import SimpleNamespace

import pytest
from conftest import NANO_CODER, ROOT

from pipelines.config.load import load_params
from pipelines.dataset.filters import admit
from pipelines.dataset.recipes import PAIRS, RECIPES, Sources, explain, implement
from pipelines.dataset.recipes.fim import make_fim
from pipelines.dataset.split_by_hash import choose_holdout
from pipelines.dataset.stage import run
from pipelines.errors import NocturneError
from pipelines.lm.base_model import load_tokenizer
from pipelines.lm.prompts import fim_tokens
from pipelines.project import Project
from pipelines.records import read_json, read_jsonl, write_json, write_jsonl
from pipelines.source.cutoff import NONE

PARAMS = load_params(ROOT)
CODE = 'def double(x):\n    """Return twice the number that is given."""\n    total = x + x\n    return total\n'


def symbol(path="a.py", doc="Return twice the number that is given.", body="    total = x + x\n    return total\n"):
    return {
        "path": path, "language": "python", "blob": f"blob of {path}", "commit": "c0", "license": "MIT",
        "kind": "function", "name": "double", "qualified_name": "double", "signature": "def double(x):", "doc": doc,
        "body": body, "code": f"def double(x):\n{body}", "start_byte": 0, "end_byte": len(CODE), "start_line": 1,
        "end_line": 4, "body_start_byte": 67, "body_end_byte": len(CODE), "doc_range": [21, 66] if doc else None,
        "scope": "", "imports": [], "decorators": [], "calls": [],
    }  # fmt: skip


def file(path="a.py", text=CODE, blob=None):
    spans = [[start, start + 14, "expression_statement"] for start in range(0, len(text) - 14, 7)]
    return {
        "path": path, "language": "python", "blob": blob or f"blob of {path}", "commit": "c0", "license": "MIT",
        "text": text, "spans": spans,
    }  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(str(NANO_CODER), ROOT)


def project_with(folder, files, symbols, edits=()):
    project = Project("demo", folder, folder)
    write_json(project.path("snapshot", "base.json"), {"base_model": "x", "identity": "y"})
    write_json(project.path("snapshot", "recent.json"), NONE)
    write_jsonl(project.path("extraction", "files.jsonl"), files)
    write_jsonl(project.path("extraction", "symbols.jsonl"), symbols)
    write_jsonl(project.path("history", "edits.jsonl"), edits)
    return project


@pytest.fixture
def drafts_of(tmp_path, tokenizer):
    """What the chat recipes draw from some symbols."""

    def drafts(*symbols):
        project = project_with(tmp_path, [file(one["path"]) for one in symbols], symbols)
        sources = Sources(project, PARAMS.dataset, tokenizer, fim_tokens(tokenizer), frozenset())
        return [*explain.make(sources), *implement.make(sources)]

    return drafts


def test_explain_never_shows_the_documentation_it_asks_for(drafts_of):
    explained, implemented = drafts_of(symbol())
    assert explained["completion"] == symbol()["doc"]
    assert symbol()["doc"] not in explained["prompt"]
    assert implemented["completion"] == symbol()["body"]
    assert "total = x + x" not in implemented["prompt"]


def test_completion_reproduces_the_source_and_alternates_its_forms(tokenizer):
    text = CODE * 12
    params = PARAMS.dataset.model_copy(update={"fim_per_kb": 40})
    drafts = list(make_fim(file(text=text), fim_tokens(tokenizer), params))
    modes = [draft["mode"] for draft in drafts]
    assert set(modes) == {"psm", "spm"}
    assert abs(modes.count("psm") - modes.count("spm")) <= 1
    for draft in drafts:
        assert text[draft["start_byte"] : draft["end_byte"]] == draft["completion"]
        assert text.splitlines()[draft["start_line"] - 1]
        assert draft["prompt"].endswith("<|fim_middle|>")


def test_what_a_file_yields_depends_on_that_file_alone(tokenizer):
    fim = fim_tokens(tokenizer)
    assert list(make_fim(file(), fim, PARAMS.dataset)) == list(make_fim(file(), fim, PARAMS.dataset))


def test_duplicates_are_quarantined_and_name_the_first(tokenizer, drafts_of):
    drafts = drafts_of(symbol("a.py"), symbol("b.py"))
    examples, quarantined = admit(drafts, tokenizer, PARAMS.dataset, "demo")
    assert {example["path"] for example in examples} == {"a.py"}
    assert {row["rule"] for row in quarantined} == {"duplicate"}
    assert all("a.py:1" in row["reason"] for row in quarantined)


def test_too_long_and_blank_examples_are_quarantined_with_their_rule(tokenizer, drafts_of):
    long = symbol("long.py", body="    x = 1\n" * 2000)
    blank = symbol("blank.py", body=" " * 40)
    _, quarantined = admit(drafts_of(long, blank), tokenizer, PARAMS.dataset, "demo")
    assert {"too_long", "empty"} <= {row["rule"] for row in quarantined}
    assert all("    x = 1" not in json.dumps(row) for row in quarantined)


def test_source_that_spells_a_special_token_is_quarantined(tokenizer, drafts_of):
    drafts = drafts_of(symbol(body='    return "<|im_end|>" + str(x)\n'))
    examples, quarantined = admit(drafts, tokenizer, PARAMS.dataset, "demo")
    assert {row["rule"] for row in quarantined} == {"special_token"}
    assert "implement" in {row["task"] for row in quarantined}
    assert not any(example["task"] == "implement" for example in examples)


def test_every_example_has_its_provenance(tokenizer, drafts_of):
    examples, _ = admit(drafts_of(symbol()), tokenizer, PARAMS.dataset, "demo")
    wanted = "example_id task language path start_line end_line commit blob license source prompt completion"
    assert set(wanted.split()) <= set(examples[0])
    assert len({example["example_id"] for example in examples}) == len(examples)


def test_the_holdout_is_whole_files_and_stable_when_files_are_added():
    weights = {f"src/file{n}.py": 3 for n in range(200)}
    chosen = choose_holdout(weights, PARAMS.dataset)
    assert 0.05 < len(chosen) / 200 < 0.3
    more = choose_holdout(weights | {f"new/file{n}.py": 1 for n in range(50)}, PARAMS.dataset)
    assert chosen <= more


@pytest.mark.parametrize("files", [2, 3, 5, 14])
def test_few_files_still_make_both_sides(files):
    chosen = choose_holdout({f"f{n}.py": 1 for n in range(files)}, PARAMS.dataset)
    assert 1 <= len(chosen) < files


def params_with_model():
    """The shipped values, but for the recipe that needs an index of the files."""
    training = PARAMS.training.model_copy(update={"base_model": str(NANO_CODER)})
    recipes = PARAMS.dataset.recipes.model_copy(update={"retrieval": 0.0})
    dataset = PARAMS.dataset.model_copy(update={"recipes": recipes})
    return PARAMS.model_copy(update={"training": training, "dataset": dataset})


def test_nothing_of_a_holdout_file_is_trained_on_not_even_as_a_copy(tmp_path):
    names = [f"m{n}.py" for n in range(12)]
    files = [file(name, CODE.replace("double", name[:-3]) * 4) for name in names]
    copies = [file("copy_of_" + f["path"], f["text"], f["blob"]) for f in files]
    project = project_with(tmp_path, files + copies, [symbol(name) for name in names])
    facts = run(project, params_with_model())
    train = list(read_jsonl(project.path("dataset", "train.jsonl")))
    holdout = list(read_jsonl(project.path("dataset", "holdout.jsonl")))
    assert facts["train"] == len(train) > 0
    assert facts["holdout"] == len(holdout) > 0
    assert not {e["path"] for e in train} & {e["path"] for e in holdout}
    assert not {(e["prompt"], e["completion"]) for e in train} & {(e["prompt"], e["completion"]) for e in holdout}


def test_without_documentation_completion_alone_is_learned(tmp_path):
    files = [file(f"m{n}.py", CODE.replace("double", f"f{n}") * 3) for n in range(6)]
    project = project_with(tmp_path, files, [symbol(f["path"], doc="") for f in files])
    facts = run(project, params_with_model())
    assert facts["explain"] == facts["implement"] == 0
    assert facts["fim"] > 0
    told = read_json(project.path("dataset", "summary.json"))["recipes"]
    assert set(told) == {recipe.name for recipe in (*RECIPES, PAIRS)}
    assert "documentation" in told["explain"]["none_because"]
    assert "none_because" not in told["fim"]


def test_a_recipe_keeps_the_share_that_params_give_it(tmp_path):
    files = [file(f"m{n}.py", CODE.replace("double", f"f{n}") * 3) for n in range(12)]
    project = project_with(tmp_path, files, [])
    params = params_with_model()
    enough = params.validation.model_copy(update={"min_examples": 1, "min_holdout": 1})
    params = params.model_copy(update={"validation": enough})
    every = run(project, params)["fim"]
    recipes = params.dataset.recipes.model_copy(update={"fim": 0.5, "explain": 0.0})
    fewer = params.model_copy(update={"dataset": params.dataset.model_copy(update={"recipes": recipes})})
    assert 0.2 * every < run(project, fewer)["fim"] < 0.8 * every
    told = read_json(project.path("dataset", "summary.json"))["recipes"]
    assert told["explain"]["none_because"] == "dataset.recipes.explain is 0"
    assert told["fim"]["share"] == 0.5
    more = enough.model_copy(update={"min_examples": every})
    facts = run(project, fewer.model_copy(update={"validation": more}))
    assert (facts["fim"], facts["explain"]) == (every, 0), "too few: all is kept, but of no recipe that is off"
    assert read_json(project.path("dataset", "summary.json"))["recipes"]["fim"]["share"] == 1


def test_one_file_alone_is_refused_with_the_next_step(tmp_path):
    project = project_with(tmp_path, [file()], [symbol()])
    with pytest.raises(NocturneError, match="from different files") as error:
        run(project, params_with_model())
    assert "Examples can be made of 1 file:" in error.value.fact


def test_a_model_without_fill_in_the_middle_has_no_tokens_for_it():
    plain = SimpleNamespace(convert_tokens_to_ids=lambda token: 0, convert_ids_to_tokens=["<unk>"].__getitem__)
    assert fim_tokens(plain) is None
