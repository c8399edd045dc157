"""Every recipe on real code, through the real stages: what it makes can be traced, read and learned from."""

import pytest
from conftest import NANO_CODER, ROOT, commit_all, git, make_repository, own_code

from pipelines.config.load import load_params
from pipelines.dag.stage import load
from pipelines.dataset.recipes import RECIPES, Sources, context, fim, fim_block, questions, retrieval
from pipelines.encoder.encoder import Encoder
from pipelines.lm.base_model import load_tokenizer
from pipelines.lm.prompts import fim_tokens
from pipelines.lm.tokenize import encode
from pipelines.project import Project
from pipelines.records import file_sha256, read_json, read_jsonl, write_jsonl
from pipelines.validation import provenance
from pipelines.validation.contract import check

PARAMS = load_params(ROOT).model_copy(
    update={"training": load_params(ROOT).training.model_copy(update={"base_model": str(NANO_CODER)})}
)
LEARNED = ("pipelines/dataset/recipes", "tests/dataset")
# Those whose completion is not the source itself but the words of a documentation.
RETOLD = {"explain", "questions"}
NAMES = [recipe.name for recipe in RECIPES]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipes")
    guide = {f"docs/part{n}.md": f"# Guide {n}\n\n## Install\n\nRun `make part{n}` once.\n" for n in range(3)}
    code = own_code(*LEARNED)
    source = make_repository(folder / "source", {path: unfinished(text) for path, text in code.items()} | guide)
    for path, text in code.items():
        (source / path).write_text(text)
        commit_all(source, f"Do not return early in {path}")
    project = Project("demo", source, folder)
    for stage in ("snapshot", "extraction", "history", "embedding", "dataset"):
        load(stage).run(project, PARAMS)
    return project


def unfinished(text):
    """A file as it might have been before: each function returns one thing more."""
    return text.replace("    return ", "    return 0 or ")


@pytest.fixture(scope="module")
def sides(project):
    return [list(read_jsonl(project.path("dataset", f"{side}.jsonl"))) for side in ("train", "holdout")]


@pytest.fixture(scope="module")
def sources(project):
    files = read_jsonl(project.path("extraction", "files.jsonl"))
    return {file["path"]: file["text"].encode() for file in files}


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(str(NANO_CODER), ROOT)


@pytest.fixture(scope="module")
def drawn_from(project, sides, tokenizer):
    """What the recipes draw from; some values of `dataset` changed."""
    held = frozenset(example["path"] for example in sides[1])

    def sources(**changes):
        return Sources(project, PARAMS.dataset.model_copy(update=changes), tokenizer, fim_tokens(tokenizer), held)

    return sources


def made(sides, recipe):
    found = [example for side in sides for example in side if example["task"] == recipe]
    assert found
    return found


def past(project, example):
    """The file of an edit at its commit."""
    return git(project.source, "show", f"{example['commit']}:{example['path']}")


def words(text):
    return "".join(letter if letter.isalnum() else " " for letter in text).split()


@pytest.mark.parametrize("recipe", NAMES)
def test_every_recipe_makes_examples_to_train_on(project, sides, recipe):
    told = read_json(project.path("dataset", "summary.json"))["recipes"][recipe]
    assert told["train"] == sum(example["task"] == recipe for example in sides[0]) > 0
    assert "none_because" not in told


@pytest.mark.parametrize("recipe", NAMES)
def test_the_range_of_an_example_is_where_its_completion_stands(project, sides, sources, recipe):
    for example in made(sides, recipe):
        if recipe == "commit_edits":
            sources = {example["path"]: past(project, example).encode()}
        source = sources[example["path"]]
        there = source[example["start_byte"] : example["end_byte"]].decode()
        if recipe in RETOLD and there != example["completion"]:
            assert set(words(example["completion"])) <= set(words(source.decode()))
        else:
            assert there == example["completion"]
        assert example["start_line"] <= source.count(b"\n", 0, example["start_byte"]) + 1 <= example["end_line"]


@pytest.mark.parametrize("recipe", NAMES)
def test_an_example_goes_through_the_chat_template_and_back(sides, tokenizer, recipe):
    for example in made(sides, recipe):
        one = encode(tokenizer, example["prompt"], example["completion"], PARAMS.dataset.max_example_tokens)
        assert one.stop > one.start
        assert tokenizer.decode(one.ids[one.start : one.stop]) == example["completion"]
        assert tokenizer.decode(one.ids[: one.start]) == example["prompt"]
        assert len(one.ids) == example["tokens"]


def test_the_examples_of_all_recipes_keep_the_contract(project, sides):
    files, edits = (read_jsonl(project.path(name)) for name in ("extraction/files.jsonl", "history/edits.jsonl"))
    check(*sides, PARAMS.dataset, "dataset", provenance.sources(files, edits))


def test_the_same_input_makes_the_same_bytes(project):
    names = ("train.jsonl", "holdout.jsonl", "quarantine.jsonl", "summary.json")
    before = [file_sha256(project.path("dataset", name)) for name in names]
    load("dataset").run(project, PARAMS)
    assert [file_sha256(project.path("dataset", name)) for name in names] == before


def test_no_training_prompt_shows_a_line_that_only_held_out_files_have(sides, sources):
    held = {example["path"] for example in sides[1]}
    assert held
    lines = {side: set() for side in (True, False)}
    for path, text in sources.items():
        lines[path in held] |= {line.strip() for line in text.decode().splitlines() if len(line.strip()) >= 40}
    secret = lines[True] - lines[False]
    assert secret
    assert sides[0]
    for example in sides[0]:
        assert not secret & {line.strip() for line in example["prompt"].splitlines()}


def test_fim_and_fim_block_never_ask_for_the_same_span(drawn_from):
    sources = drawn_from(fim_block_per_kb=100, fim_per_kb=3)
    ranges = [
        {(draft["path"], draft["start_byte"], draft["end_byte"]) for draft in recipe.make(sources)}
        for recipe in (fim_block, fim)
    ]
    assert all(ranges)
    assert not ranges[0] & ranges[1]


def test_a_fim_block_has_50_to_1000_bytes_and_200_before_it_and_its_number_is_bounded(drawn_from):
    drafts = list(fim_block.make(drawn_from(fim_block_per_kb=100)))
    assert all(50 <= draft["end_byte"] - draft["start_byte"] <= 1000 for draft in drafts)
    assert all(draft["start_byte"] >= 200 for draft in drafts)
    assert drafts == list(fim_block.make(drawn_from(fim_block_per_kb=100)))
    assert 0 < len(list(fim_block.make(drawn_from(fim_block_per_kb=0.25)))) < len(drafts) / 2


def test_context_shows_what_is_called_with_its_path_before_the_request(drawn_from):
    drafts = list(context.make(drawn_from(context_tokens=1000)))
    (request,) = [draft["request"] for draft in drafts if draft["path"] == "pipelines/dataset/recipes/explain.py"]
    assert "# pipelines/dataset/recipes/recipe.py\n# The symbols with documentation" in request
    assert "def documented(self) -> Iterator[Record]:" in request
    assert request.index("def documented") < request.index("from pipelines.lm import prompts")
    assert request.index("from pipelines.lm import prompts") < request.index("Write the body of `make`")


def test_context_keeps_its_budget_but_for_the_first_dependency(drawn_from):
    most, least = (list(context.make(drawn_from(context_tokens=tokens))) for tokens in (1000, 1))
    assert len(most) == len(least) > 0
    assert sum(len(draft["prompt"]) for draft in least) < sum(len(draft["prompt"]) for draft in most)
    assert all(draft["request"].startswith("```python\n# ") for draft in least)


def test_passages_are_never_the_answer_and_never_held_out_in_training(sides, drawn_from):
    held = drawn_from().held_out
    drafts = list(retrieval.make(drawn_from()))
    assert {draft["mode"] for draft in drafts} == {"chat", "psm", "spm"}
    assert {draft["path"] in held for draft in drafts} == {True, False}
    for draft in drafts:
        own = draft["request"] or draft["prompt"]
        passages = own[: own.rindex("Write the body of" if draft["request"] else "<|file_sep|>")]
        assert 1 <= passages.count("\n```\n[") + 1 <= retrieval.PASSAGES
        assert passages.startswith(("[1] ", "<|file_sep|>"))
        assert draft["completion"].strip() not in passages
        if draft["path"] not in held:
            assert not any(f"{path}:" in draft["request"] or f"|>{path}\n" in draft["prompt"] for path in held)


def test_retrieval_takes_no_more_than_it_is_given_and_half_of_each_form(drawn_from):
    drafts = list(retrieval.make(drawn_from(retrieval_examples=20)))
    assert [draft["mode"] == "chat" for draft in drafts].count(True) == len(drafts) / 2 == 10


def test_a_query_that_was_encoded_before_is_not_encoded_again(drawn_from, monkeypatch):
    first = list(retrieval.make(drawn_from()))
    encoded = []
    encode_texts = Encoder.encode

    def counted(self, texts, batch_size=32):
        encoded.extend(texts)
        return encode_texts(self, texts, batch_size)

    monkeypatch.setattr(Encoder, "encode", counted)
    assert list(retrieval.make(drawn_from())) == first
    assert encoded == []


def test_questions_show_no_code(drawn_from):
    drafts = list(questions.make(drawn_from()))
    assert drafts
    assert not any("```" in draft["request"] for draft in drafts)


def test_a_long_section_ends_at_a_paragraph_and_never_inside_a_fence():
    fenced = "```sh\n" + "make it\n\n" * 200 + "```"
    text = f"First.\n\n{fenced}\n\nLast.\n"
    assert questions.cut_at_sentence(text) == "First."
    assert questions.cut_at_sentence(f"{fenced}\n\nLast.\n") == fenced
    assert questions.cut_at_sentence("One.\n\nTwo.\n") == "One.\n\nTwo."


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_a_recipe_without_what_it_needs_makes_nothing_and_says_what_it_wants(tmp_path, tokenizer, recipe):
    project = Project("bare", tmp_path, tmp_path)
    for name in ("files", "symbols", "chunks"):
        write_jsonl(project.path("extraction", f"{name}.jsonl"), [])
    write_jsonl(project.path("history", "edits.jsonl"), [])
    assert list(recipe.make(Sources(project, PARAMS.dataset, tokenizer, None, frozenset()))) == []
    assert recipe.wants
