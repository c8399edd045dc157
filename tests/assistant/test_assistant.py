"""The assistant on a small repository, with the real encoder, index and base model."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import NANO_CODER, ROOT, Vocabulary
from tiny_model import make_cross_encoder

from pipelines.assistant import writer as writing
from pipelines.assistant.answer import ask
from pipelines.assistant.complete import complete
from pipelines.assistant.paragraphs import split_paragraphs
from pipelines.assistant.search import search
from pipelines.config.load import load_params
from pipelines.embedding.stage import run as embed
from pipelines.encoder.cross_encoder import load_reranker
from pipelines.encoder.encoder import MINILM
from pipelines.errors import NocturneError, UsageError
from pipelines.index import publish
from pipelines.project import Project
from pipelines.records import write_jsonl
from pipelines.syntax.chunks import split_chunks
from pipelines.syntax.languages import LANGUAGES

FILES = {
    "store/registry.py": '''"""Releases."""

from store.alias import move


def rollback(registry, version=None):
    """Roll the live release back to an earlier version.

    The alias moves in one step, so that adapter and index never disagree.
    """
    target = version or registry.previous
    move(registry, "champion", target)
    return target


def promote(registry, version):
    """Make a version the champion."""
    move(registry, "champion", version)
''',
    "store/retry.py": """import time

RETRIES = 3


# Waits longer after each failed download attempt,
# so that a busy server can recover.
def backoff(attempt):
    time.sleep(2**attempt)


def parse_price(text):
    amount, currency = text.split()
    return float(amount), currency
""",
}


@dataclass(frozen=True)
class Release:
    """What the registry says of the champion."""

    index_version: str
    encoder: str = f"{MINILM}@int8"
    base_model: str = "data/models/nano-coder"
    adapter: Path = Path("no-adapter")


@pytest.fixture(scope="module")
def params():
    params = load_params(ROOT)
    few = params.assistant.model_copy(update={"max_new_tokens": 8, "passages": 3})
    return params.model_copy(update={"assistant": few})


@pytest.fixture(scope="module")
def project(tmp_path_factory, params):
    folder = tmp_path_factory.mktemp("assistant")
    project = Project("demo", folder / "source", folder)
    records = []
    for path, text in FILES.items():
        file = project.source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        for chunk in split_chunks(text.encode(), LANGUAGES[0], 300, 40):
            content = hashlib.sha256(f"{chunk.symbol}\n{chunk.text}".encode()).hexdigest()
            where = {"path": path, "chunk_id": f"{path}:{chunk.start_byte}", "language": "python"}
            records.append({**vars(chunk), **where, "content_hash": content, "blob": "b" * 40, "commit": "c" * 40})
    write_jsonl(project.path("extraction", "chunks.jsonl"), records)
    write_jsonl(project.path("extraction", "symbols.jsonl"), [])
    embed(project, params)
    (folder / "data" / "models").mkdir()
    (folder / "data" / "models" / "nano-coder").symlink_to(NANO_CODER)
    return project


@pytest.fixture(scope="module")
def live(project, params):
    return Release(publish(project, params).version)


class Scripted(Vocabulary):
    """A model that notes its prompts and says one thing; its tokens are words and spaces."""

    max_length = 400

    def __init__(self, says="It moves the alias [1]."):
        self.says, self.prompts = says, []
        self.tokenizer = self

    def encode(self, text, add_special_tokens):
        return text.split(" ")

    def decode(self, ids):
        return " ".join(ids)

    def apply_chat_template(self, turns, tokenize, add_generation_prompt):
        return turns[0]["content"]

    def generate(self, prompts, max_new_tokens):
        self.prompts += prompts
        return [self.says for _ in prompts]


@pytest.fixture
def scripted(monkeypatch):
    model = Scripted()
    monkeypatch.setattr(writing, "_load", lambda *_: model)
    return model


def changed(params, **search):
    return params.model_copy(update={"search": params.search.model_copy(update=search)})


def lines_of(project, citation):
    lines = (project.source / citation.path).read_text().split("\n")
    return "\n".join(lines[citation.start_line - 1 : citation.end_line])


def test_search_finds_the_definition_by_meaning_and_by_name(project, params, live):
    assert search(project, params, live, "undo a deployment", 3)[0].path == "store/registry.py"
    best = search(project, params, live, "parse_price", 3)[0]
    assert (best.path, "def parse_price" in best.text) == ("store/retry.py", True)


def test_what_scores_less_than_the_minimum_is_neither_found_nor_quoted(project, params, live):
    everything = search(project, params, live, "parse_price", 10)
    second = everything[1].score
    assert everything[0].score > second > everything[-1].score
    strict = changed(params, min_score=second)
    assert search(project, strict, live, "parse_price", 10) == [hit for hit in everything if hit.score >= second]
    nothing = changed(params, min_score=1.0)
    assert search(project, nothing, live, "how is a release rolled back?", 10) == []
    answer = ask(project, nothing, live, "how is a release rolled back?", False)
    assert (answer.text, answer.citations) == ("Nothing in the index of demo answers this.", [])


def test_a_cross_encoder_puts_what_was_found_in_its_own_order(project, params, live, tmp_path):
    make_cross_encoder(tmp_path / "judge")
    judged = changed(params, rerank=str(tmp_path / "judge"))
    question = "how is a release rolled back?"
    before = search(project, params, live, question, 20)
    after = search(project, judged, live, f"path:store {question}", 20)
    expected = load_reranker(str(tmp_path / "judge")).logits(
        question, [f"{hit.path} {hit.symbol}\n{hit.text}" for hit in before]
    )
    order = sorted(range(len(before)), key=lambda place: -expected[place])
    assert [hit.chunk_id for hit in after] == [before[place].chunk_id for place in order]
    assert order != sorted(order)
    assert all(0 < hit.score < 1 for hit in after)
    assert search(project, judged, live, question, 2) == after[:2]
    least = changed(judged, min_score=after[1].score)
    assert search(project, least, live, question, 20) == after[:2]
    quoted = [one.score for one in ask(project, judged, live, question, False).citations]
    assert quoted
    assert quoted == [hit.score for hit in after if hit.score in quoted]


def test_a_reranker_that_is_missing_is_an_error_and_not_needed_when_nothing_is_found(project, params, live, tmp_path):
    missing = changed(params, rerank=str(tmp_path / "gone"))
    with pytest.raises(NocturneError, match=r"The reranker `.*gone` cannot be loaded"):
        search(project, missing, live, "parse_price", 3)
    assert search(project, missing, live, "path:nowhere parse_price", 3) == []


def test_an_empty_question_is_wrong_use(project, params, live):
    with pytest.raises(UsageError, match="empty"):
        ask(project, params, live, "  ", False)


@pytest.mark.parametrize("question", ["how is a release rolled back?", "wait after a failed attempt", "parse price"])
def test_quotes_are_the_exact_lines_of_the_file(project, params, live, question):
    found = ask(project, params, live, question, False)
    assert found.mode == "extractive"
    assert found.citations
    for number, citation in enumerate(found.citations, 1):
        assert citation.number == number
        assert citation.text == lines_of(project, citation)
        assert f"[{number}] {citation.path}:{citation.start_line}-{citation.end_line}\n{citation.text}" in found.text


def test_the_quote_is_the_documentation_that_answers_with_its_definition(project, params, live):
    best = ask(project, params, live, "how is a release rolled back?", False).citations[0]
    assert best.text.startswith("def rollback(")
    assert "Roll the live release back" in best.text


def test_a_comment_is_quoted_with_the_line_it_stands_on(project, params, live):
    best = ask(project, params, live, "wait longer after a failed download attempt", False).citations[0]
    assert best.text.startswith("# Waits longer")
    assert "def backoff" in best.text


@pytest.mark.parametrize("question", ["recipe for chocolate cake with eggs", "zxcv qwerty", "OAuth login with Google"])
def test_what_the_code_does_not_answer_is_said_so(project, params, live, question):
    found = ask(project, params, live, question, False)
    assert found.citations == []
    assert "Nothing in the index of demo answers" in found.text


def test_imports_are_not_quoted_where_there_is_documentation():
    lines = ["import champion", "", "def f():", '    """The champion."""', "    return 1", "", "# alone", "x = 1"]
    found = [(one.first, one.last, one.prose, one.imports) for one in split_paragraphs(lines)]
    assert found == [
        (0, 1, False, True),
        (2, 4, True, False),
        (4, 5, False, False),
        (6, 7, True, False),
        (7, 8, False, False),
    ]


def test_generation_is_shown_numbered_passages_and_cites_exactly_those(project, params, live, scripted):
    found = ask(project, params, live, "how is a release rolled back?", True)
    assert (found.mode, found.text) == ("generate", "It moves the alias [1].")
    assert found.citations
    for citation in found.citations:
        assert f"[{citation.number}] {citation.path}:{citation.start_line}-{citation.end_line}" in scripted.prompts[0]
        assert citation.text in scripted.prompts[0]
        assert citation.text == lines_of(project, citation)
    assert scripted.prompts[0].endswith("how is a release rolled back?")


def test_passages_that_do_not_fit_the_model_are_neither_shown_nor_cited(project, params, live, scripted):
    whole = ask(project, params, live, "how is a release rolled back?", True)
    scripted.max_length = len(scripted.prompts[0].split(" ")) + 8 - 1
    cut = ask(project, params, live, "how is a release rolled back?", True)
    assert len(cut.citations) == len(whole.citations) - 1
    assert len(scripted.prompts[1].split(" ")) <= scripted.max_length - 8


def test_a_silent_model_is_reported(project, params, live, scripted):
    scripted.says = " \n"
    assert "wrote nothing" in ask(project, params, live, "roll back a release", True).notices[0]


def test_a_broken_adapter_leaves_the_base_model_and_a_notice(project, params, live, monkeypatch):
    def loaded(base_model, adapter, workspace):
        if adapter is not None:
            raise NocturneError("The adapter is torn.", "Promote another.")
        return Scripted()

    monkeypatch.setattr(writing, "_load", loaded)
    notices = ask(project, params, live, "roll back a release", True).notices
    assert notices == ["This is the base model without what was learned. The adapter is torn. Promote another."]


def test_the_real_base_model_answers_and_completes(project, params, live):
    written = ask(project, params, live, "how is a release rolled back?", True)
    assert written.citations
    assert "base model" in written.notices[0]
    done = complete(project, params, live, "store/retry.py", 9)
    assert (done.path, done.line) == ("store/retry.py", 9)
    assert isinstance(done.text, str)
    assert done == complete(project, params, live, "store/retry.py", 9)


def test_completion_stands_between_all_that_is_before_and_after(project, params, live, scripted):
    found = complete(project, params, live, "store/retry.py", 9)
    text = FILES["store/retry.py"]
    gap = text.index("    time.sleep(2**attempt)") + len("    time.sleep(2**attempt)")
    assert scripted.prompts == [f"<|fim_prefix|>{text[:gap]}<|fim_suffix|>{text[gap:]}<|fim_middle|>"]
    assert found.text == scripted.says


def test_a_column_splits_the_line(project, params, live, scripted):
    complete(project, params, live, str(project.source / "store/retry.py"), 3, 10)
    assert "RETRIES = <|fim_suffix|>3\n" in scripted.prompts[0]


def test_a_notebook_is_completed_as_the_python_in_it(project, params, live, scripted):
    cell = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "source": ["import time\n", "time.sleep(1)\n", "print()"],
    }
    book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    text = json.dumps(book, indent=1)
    (project.source / "book.ipynb").write_text(text)
    sleeping = next(number for number, line in enumerate(text.split("\n"), 1) if "sleep" in line)
    complete(project, params, live, "book.ipynb", sleeping)
    before, after = scripted.prompts[0].split("<|fim_suffix|>")
    assert before.endswith("import time\ntime.sleep(1)")
    assert after.startswith("\nprint()\n")


def test_a_long_file_is_cut_at_line_ends_around_the_gap(project, params, live, scripted):
    lines = [f"value_{number} = {number}" for number in range(2000)]
    (project.source / "long.py").write_text("\n".join(lines) + "\n")
    complete(project, params, live, "long.py", 1000)
    shown = scripted.prompts[0].removeprefix("<|fim_prefix|>").removesuffix("<|fim_middle|>")
    before, after = shown.split("<|fim_suffix|>")
    assert before.split("\n")[-1] == "value_999 = 999"
    assert after.split("\n")[1] == "value_1000 = 1000"
    assert set(before.split("\n") + after.split("\n")) <= {*lines, ""}
    assert len(scripted.prompts[0].split(" ")) <= scripted.max_length - 8
    assert len(before) > len(after) > 0


@pytest.mark.parametrize(
    ("path", "line", "column", "fact"),
    [
        ("store/retry.py", 15, None, "has 14 lines; there is no line 15"),
        ("store/retry.py", 0, None, "there is no line 0"),
        ("store/retry.py", 3, 99, "has 11 characters; there is no column 99"),
        ("../outside.py", 1, None, "outside the source"),
        ("leaves.py", 1, None, "outside the source"),
        ("/etc/hostname", 1, None, "outside the source"),
        ("missing.py", 1, None, "is not a file"),
        ("store", 1, None, "is not a file"),
        ("binary.py", 1, None, "is not UTF-8"),
        ("empty.ipynb", 1, None, "it is not JSON"),
    ],
)
def test_a_place_that_cannot_be_completed_is_wrong_use(project, params, live, path, line, column, fact):
    (project.workspace / "outside.py").write_text("x = 1\n")
    link = project.source / "leaves.py"
    if not link.is_symlink():
        link.symlink_to(project.workspace / "outside.py")
    (project.source / "binary.py").write_bytes(b"\xff\xfe\x00x")
    (project.source / "empty.ipynb").write_text("")
    with pytest.raises(UsageError, match=fact):
        complete(project, params, live, path, line, column)


def test_a_model_without_fill_in_the_middle_is_an_error(project, params, live, scripted, monkeypatch):
    monkeypatch.setattr(scripted, "known", (), raising=False)
    with pytest.raises(NocturneError, match="fill-in-the-middle"):
        complete(project, params, live, "store/retry.py", 9)
