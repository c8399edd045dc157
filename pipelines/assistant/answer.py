"""Answers about the code: quoted from the index, or written by the live model from what the index finds."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipelines.assistant.passages import Passage, passages
from pipelines.assistant.protocols import Live
from pipelines.assistant.search import search
from pipelines.assistant.writer import build_prompt, load_writer
from pipelines.config.schema import Params
from pipelines.index import Hit
from pipelines.index.search.query import parse_query
from pipelines.project import Project
from pipelines.source.changes import file_states

EXTRACTIVE, GENERATE = "extractive", "generate"
# Over Nocturne's own code, 14 questions about it had a hit above one of these, 10 about cakes and taxes had none: their
# best similarity was 0.29, their best coverage 0.54.
MIN_SIMILARITY = 0.3
MIN_COVERAGE = 0.6
NEAR_BEST = 0.5  # of the best hit's score: what is found far behind it is noise beside it


@dataclass(frozen=True)
class Citation:
    """A place in the source: `text` stands in lines `start_line` to `end_line` of `path` in `commit`.

    Attributes:
        symbol: the definition that the hit names and these lines are of; "" without one.
        state: what became of the file since: "", or one of `pipelines.source.changes`.
    """

    number: int
    path: str
    start_line: int
    end_line: int
    commit: str
    blob: str
    score: float
    text: str
    symbol: str
    state: str


@dataclass(frozen=True)
class Answer:
    """What is said, and where it comes from; `notices` are for the user's eyes, not part of the answer."""

    text: str
    citations: list[Citation]
    mode: str
    notices: list[str] = field(default_factory=list)


def ask(project: Project, params: Params, live: Live, question: str, generate: bool) -> Answer:
    """Answer a question from the release's index.

    Args:
        question: words, and filters as `pipelines.index.search.query` reads them.
        generate: the release's model writes the answer; otherwise the passages that answer are quoted, exactly.

    Raises:
        UsageError: the question is empty, or has a filter that cannot be read.
        NocturneError: the index, the encoder, or the base model is not to be had.
    """
    asked = parse_query(question)
    words = asked.text
    hits = search(project, params, live, question, 2 * params.assistant.passages)
    found = passages(words, hits, of_definitions=asked.scope.is_of_definitions())
    chosen = _choose(found, params.assistant.passages)
    if not chosen:
        mode = GENERATE if generate else EXTRACTIVE
        return Answer(f"Nothing in the index of {project.name} answers this.", [], mode)
    if generate:
        return _generate(project, params, live, words, [passage.hit for passage in chosen])
    quoted = [f"[{n}] {p.hit.path}:{p.start_line}-{p.end_line}\n{p.text}" for n, p in enumerate(chosen, 1)]
    return Answer("\n\n".join(quoted), _cite(project, chosen), EXTRACTIVE)


def compose_answer(passage: Passage) -> bool:
    """Whether a passage has to do with the question at all: close in meaning, or with most of its words."""
    return passage.hit.similarity >= MIN_SIMILARITY or passage.coverage >= MIN_COVERAGE


def _choose(found: Sequence[Passage], limit: int) -> list[Passage]:
    fitting = [passage for passage in found if compose_answer(passage)]
    best = max((passage.hit.score for passage in fitting), default=0.0)
    kept: list[Passage] = []
    for passage in fitting:
        if passage.hit.score >= NEAR_BEST * best and not any(_overlap(passage, other) for other in kept):
            kept.append(passage)
    return kept[:limit]


def _overlap(one: Passage, other: Passage) -> bool:
    same = one.hit.path == other.hit.path
    return same and one.start_line <= other.end_line and other.start_line <= one.end_line


def _generate(project: Project, params: Params, live: Live, question: str, hits: Sequence[Hit]) -> Answer:
    writer, notices = load_writer(project, live)
    limit = params.assistant.max_new_tokens
    prompt, shown = build_prompt(writer, question, hits, limit)
    whole = [Passage(hit, hit.start_line, hit.end_line, hit.text, 1.0) for hit in shown]
    text = writer.generate([prompt], limit)[0].strip()
    if not text:
        notices = [*notices, "The model wrote nothing; these are the passages that it was shown."]
    return Answer(text, _cite(project, whole), GENERATE, notices)


def _cite(project: Project, quoted: Sequence[Passage]) -> list[Citation]:
    """The citations of what is quoted, or was shown to the model, numbered in this order."""
    became = file_states(project.source, [(one.hit.path, one.hit.blob, one.hit.commit) for one in quoted])
    return [
        _citation(number, one, became[one.hit.path, one.hit.blob, one.hit.commit])
        for number, one in enumerate(quoted, 1)
    ]


def _citation(number: int, quoted: Passage, state: str) -> Citation:
    hit = quoted.hit
    where = (hit.path, quoted.start_line, quoted.end_line, hit.commit, hit.blob)
    of_symbol = hit.symbol_start_line <= quoted.end_line and quoted.start_line <= hit.symbol_end_line
    return Citation(number, *where, hit.score, quoted.text, hit.symbol if of_symbol else "", state)
