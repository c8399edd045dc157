"""How well the index finds code: annotated questions, questions by documentation, identifiers; with an ablation.

    python -m benchmarks.index.quality --annotations DIR --repositories DIR [--only NAME ...] [--static DIR]

Three kinds of questions are asked, and each signal of the ranking is taken away in turn:

- semble's annotated questions (https://github.com/MinishLab/semble, `benchmarks/`), NDCG@10 by file;
- functions by their documentation, which is taken out of the text first, NDCG@10 by passage;
- identifiers of several words that stand in one passage and are defined nowhere.

`--annotations` is semble's `benchmarks` folder (repos.json, annotations/). `--repositories` has a working copy a name,
at the revision that repos.json pins. `--static` is a folder with a static encoder that model2vec has distilled. It is
measured beside MiniLM; where semble is installed, semble with that same encoder stands beside both. `--variants` names
ways to compute MiniLM. `--documented DIR ...` asks for the documentation of further repositories. Vectors of MiniLM are
kept in `--cache`.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

from benchmarks.index.ablation import BASELINE, FULL, OURS, VARIANTS
from benchmarks.index.corpus import Repository, annotated
from benchmarks.result import RESAMPLES, SEED, Cell, Chart, Figure, Interval, Result, Table, make_parser, round_to
from pipelines.config.load import load_params
from pipelines.config.schema import Evaluation
from pipelines.embedding.vectors import compute_vectors
from pipelines.encoder.encoder import MINILM, load_encoder
from pipelines.encoder.known_item_queries import DEPTH, chunk_holding, make_questions, remove_documentation, score
from pipelines.encoder.vector_cache import VectorCache
from pipelines.index.search.hybrid import Index
from pipelines.index.search.ranking import Ranking
from pipelines.index.store.bm25 import RUN, split_parts
from pipelines.index.store.payload import strip_marks, symbols_of
from pipelines.index.versions.scratch import temporary_index
from pipelines.records import fingerprint

QUESTION = "How well does search find code, beside semble?"
CATEGORIES = ("architecture", "semantic", "symbol")
REPEATS = 3
IDENTIFIERS = 200  # a repository
Encode = Callable[[Sequence[str]], np.ndarray]
Scores = dict[str, dict[tuple[str, str], list[float]]]  # variant → (repository, category) → NDCG@10 of each question


@contextmanager
def minilm(cache: Path, variant: str) -> Iterator[tuple[Encode, Callable[[list[dict[str, Any]]], np.ndarray]]]:
    """Encoders of questions and of chunks, whose vectors are kept."""
    encoder = load_encoder(f"{MINILM}@{variant}")
    with VectorCache(cache / "vectors.sqlite", encoder.identity, encoder.dimension) as kept:
        yield encoder.encode_queries, lambda chunks: compute_vectors(chunks, encoder, kept, 32)[0]


@contextmanager
def static(folder: Path) -> Iterator[tuple[Encode, Callable[[list[dict[str, Any]]], np.ndarray]]]:
    """The same by a folder of model2vec's."""
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(str(folder))

    def encode(texts: Sequence[str]) -> np.ndarray:
        vectors = np.asarray(model.encode(list(texts)), dtype=np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    yield encode, lambda chunks: encode([f"{chunk['symbol']}\n{chunk['text']}" for chunk in chunks])


def found(index: Index, text: str, vector: np.ndarray, ranking: Ranking) -> list[tuple[str, int, int]]:
    """What one search gives, as `Task.ndcg` wants it."""
    return [(hit.path, hit.start_line, hit.end_line) for hit in index.search(text, vector, DEPTH, ranking=ranking)]


def annotated_questions(repositories: Sequence[Repository], encode: Encode, embed: Any) -> Scores:
    """Every variant's NDCG@10, and what index and search take, printed a repository."""
    scores: Scores = {name: defaultdict(list) for name in VARIANTS}
    for one in repositories:
        began = time.perf_counter()
        chunks = one.chunks()
        with temporary_index(chunks, embed(chunks)) as index:
            took, waits = time.perf_counter() - began, []
            for task in one.tasks:
                for _ in range(REPEATS):
                    began = time.perf_counter()
                    vector = encode([task.question])[0]
                    found(index, task.question, vector, FULL)
                    waits.append(time.perf_counter() - began)
                for name, ranking in VARIANTS.items():
                    hits = found(index, task.question, vector, ranking)
                    scores[name][one.name, task.category].append(task.ndcg(hits))
        _told(one.name, len(chunks), scores[OURS], took, waits)
    return scores


def semble_questions(repositories: Sequence[Repository], folder: Path) -> Scores:
    """The same for the package, with the static encoder."""
    from semble import SembleIndex

    scores: Scores = {"semble": defaultdict(list)}
    for one in repositories:
        began = time.perf_counter()
        index = SembleIndex.from_path(one.root, model_path=str(folder))
        took, waits = time.perf_counter() - began, []
        for task in one.tasks:
            for _ in range(REPEATS):
                began = time.perf_counter()
                answer = index.search(task.question, top_k=DEPTH)
                waits.append(time.perf_counter() - began)
            hits = [(hit.chunk.file_path, hit.chunk.start_line, hit.chunk.end_line) for hit in answer]
            scores["semble"][one.name, task.category].append(task.ndcg(hits))
        _told(one.name, len(index.chunks), scores["semble"], took, waits)
    return scores


def documentation(repositories: Sequence[Repository], encode: Encode, embed: Any, config: Evaluation) -> Table:
    """Functions asked for by their documentation, which is taken out first: NDCG@10 by passage."""
    means: dict[str, list[float]] = defaultdict(list)
    asked_of: list[str] = []
    for one in repositories:
        asked = make_questions(one.symbols(), config.retrieval_questions, config.seed)
        shown = [chunk for chunk in remove_documentation(one.chunks(), asked) if chunk["text"].strip()]
        shown = [{**chunk, "content_hash": fingerprint(chunk["symbol"], chunk["text"])} for chunk in shown]
        if not asked:
            continue
        asked_of.append(one.name)
        vectors = encode([symbol["question"] for symbol in asked])
        with temporary_index(shown, embed(shown)) as index:
            for name, ranking in VARIANTS.items():
                values = []
                for symbol, vector in zip(asked, vectors, strict=True):
                    hits = index.search(symbol["question"], vector, DEPTH, ranking=ranking)
                    wanted = chunk_holding(symbol, shown)
                    ranks = [place for place, hit in enumerate(hits, 1) if hit.chunk_id in wanted]
                    values.append(score(ranks, len(wanted))["ndcg@10"])
                means[name].append(mean(values))
    rows: list[dict[str, Cell]] = [
        {"ranking": name, "NDCG@10, mean of repositories": round_to(mean(values), 3), **_each(asked_of, values)}
        for name, values in means.items()
    ]
    return Table(title="Questions by documentation", rows=rows)


def identifiers(repositories: Sequence[Repository], encode: Encode, embed: Any, seed: int) -> Table:
    """Identifiers of several words that stand in one passage and are defined nowhere: how many of these passages come
    first, and how many among the first DEPTH."""
    first: dict[str, list[float]] = defaultdict(list)
    among: dict[str, list[float]] = defaultdict(list)
    for one in repositories:
        chunks = one.chunks()
        asked = sorted(_single(chunks).items(), key=lambda item: fingerprint(seed, item[0]))[:IDENTIFIERS]
        vectors = encode([name for name, _ in asked])
        with temporary_index(chunks, embed(chunks)) as index:
            for name, ranking in VARIANTS.items():
                hits = [index.search(a[0], v, DEPTH, ranking=ranking) for a, v in zip(asked, vectors, strict=True)]
                found = [[hit.chunk_id for hit in own] for own in hits]
                first[name].append(mean(own[:1] == [id] for own, (_, id) in zip(found, asked, strict=True)))
                among[name].append(mean(id in own for own, (_, id) in zip(found, asked, strict=True)))
    names = [one.name for one in repositories]
    rows: list[dict[str, Cell]] = []
    for name in VARIANTS:
        whole = {"passage comes first": first[name], f"among the first {DEPTH}": among[name]}
        means: dict[str, Cell] = {key: round_to(mean(values), 3) for key, values in whole.items()}
        rows.append({"ranking": name, **means, **_each(names, first[name])})
    return Table(title="Identifiers that stand in one passage", rows=rows)


def _each(names: Sequence[str], values: Sequence[float]) -> dict[str, Cell]:
    return {name: round_to(value, 3) for name, value in zip(names, values, strict=True)}


def _single(chunks: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Identifier → the chunk that it stands in, of those in one only."""
    places: dict[str, set[str]] = defaultdict(set)
    named: dict[str, str] = {}
    for chunk in chunks:
        for run in set(RUN.findall(f"{chunk['path']} {chunk['text']}")):
            split = split_parts(run)
            if len(split) > 1:
                places["".join(split)].add(chunk["chunk_id"])
                named["".join(split)] = run
    defined = {"".join(split_parts(strip_marks(name))) for chunk in chunks for name in symbols_of(chunk)}
    return {named[key]: min(ids) for key, ids in places.items() if len(ids) == 1 and key not in defined}


def _told(name: str, count: int, scores: dict[tuple[str, str], list[float]], took: float, waits: list[float]) -> None:
    own = [value for (repository, _), values in scores.items() if repository == name for value in values]
    wait = f"{1000 * median(waits):.1f} ms"
    print(f"{name} | {count} chunks | {mean(own):.3f} | index {1000 * took:.0f} ms | question {wait}", flush=True)


def table(scores: Scores) -> Table:
    """A row a variant: all questions, the worst mean when one repository is left out, and each category."""
    rows: list[dict[str, Cell]] = []
    for name, values in scores.items():
        repositories = sorted({repository for repository, _ in values})
        others = [out for out in repositories if len(repositories) > 1]
        left = [mean(v for (own, _), some in values.items() if own != out for v in some) for out in others]
        kinds = {
            category: [v for (_, kind), some in values.items() if kind == category for v in some]
            for category in CATEGORIES
        }
        by_kind: dict[str, Cell] = {kind: round_to(mean(some), 3) if some else None for kind, some in kinds.items()}
        least: dict[str, Cell] = {"least without one repository": round_to(min(left), 3)} if left else {}
        rows.append({"ranking": name, "NDCG@10": round_to(mean(_flat(values)), 3), **least, **by_kind})
    return Table(title="Annotated questions", rows=rows)


def _flat(values: dict[tuple[str, str], list[float]]) -> list[float]:
    """Every question's score, in one order for all variants."""
    return [value for key in sorted(values) for value in values[key]]


def compare(encoder: str, scores: Scores, peer: str, others: Scores) -> Figure:
    """NDCG@10 of ours beside another ranking of the same questions, drawn together for the interval."""
    mine, theirs = (np.array(_flat(own)) for own in (scores[OURS], others[peer]))
    draws = np.random.default_rng(SEED).integers(0, len(mine), (RESAMPLES, len(mine)))
    low, high = np.quantile(mine[draws].mean(axis=1) / theirs[draws].mean(axis=1), [0.025, 0.975])
    return Figure(
        asked=f"NDCG@10 by file, {len(mine)} annotated questions, {encoder}",
        ours=round_to(mine.mean(), 3),
        peer=peer,
        theirs=round_to(theirs.mean(), 3),
        ratio=Interval(value=round_to(mine.mean() / theirs.mean(), 3), low=round_to(low, 3), high=round_to(high, 3)),
    )


def main() -> None:
    """Measure each encoder, then semble, and write the result."""
    parser = make_parser(__doc__)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--repositories", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--documented", nargs="*", type=Path, default=[])
    parser.add_argument("--static", type=Path)
    parser.add_argument("--variants", nargs="*", default=["fp32"], help="of MiniLM: fp32, bf16, int8, static")
    parser.add_argument("--cache", type=Path, default=Path("index-quality-cache"))
    args = parser.parse_args()
    repositories = annotated(args.annotations, args.repositories, args.only)
    asked = [*repositories, *(Repository(folder.name, folder, folder, ()) for folder in args.documented)]
    encoders = [(f"MiniLM, {variant}", minilm(args.cache, variant)) for variant in args.variants]
    encoders += [("model2vec", static(args.static))] if args.static else []
    config = load_params(Path()).evaluation
    names = ", ".join(one.name for one in repositories)
    result = Result.begin("index-quality", "index.quality", f"Annotated questions on {names}")
    annotated_scores: dict[str, Scores] = {}
    for name, opened in encoders:
        print(f"\n{name}", flush=True)
        with opened as (encode, embed):
            annotated_scores[name] = annotated_questions(repositories, encode, embed)
            tables = [table(annotated_scores[name]), documentation(asked, encode, embed, config)]
            tables.append(identifiers(asked, encode, embed, config.seed))
        result.tables += [one.model_copy(update={"title": f"{one.title}, {name}"}) for one in tables]
        result.figures.append(compare(name, annotated_scores[name], BASELINE, annotated_scores[name]))
    if args.static:
        try:
            theirs = semble_questions(repositories, args.static)
            result.tables.append(table(theirs))
            result.figures.append(compare("model2vec", annotated_scores["model2vec"], "semble", theirs))
        except ImportError as error:
            print(f"semble is left out: {error}")
    result.chart = Chart(
        title=f"NDCG@10, annotated questions, {encoders[0][0]}",
        labels="ranking",
        values="NDCG@10",
        only=[OURS, BASELINE, "BM25 alone", "cosine alone"],
    )
    result.write(args.results)


if __name__ == "__main__":
    main()
