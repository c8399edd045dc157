"""How well the index finds code: semble's annotated questions, documentation-to-code questions, and identifiers that
stand in one place only, with an ablation.

    python -m benchmarks.index.quality --annotations DIR --repositories DIR [--only NAME ...] [--static DIR]

`--annotations` is semble's `benchmarks` folder (repos.json, annotations/); `--repositories` has a working copy a name,
at the revision that repos.json pins. `--static` is a folder with a static encoder that model2vec has distilled: it is
measured beside MiniLM, and, where the package is installed, semble with that same encoder beside both.
`--variants` names ways to compute MiniLM; `--documented DIR ...` asks for the documentation of further repositories.
Vectors of MiniLM are kept in `--cache`.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

from benchmarks.index.corpus import Repository, annotated
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
from pipelines.records.extraction import Chunk

CATEGORIES = ("architecture", "semantic", "symbol")
REPEATS = 3
IDENTIFIERS = 200  # a repository
_ALONE = Ranking(
    meaning=0.0,
    keywords=0.0,
    path=0.0,
    file=0.0,
    summary=0.0,
    symbol=0.0,
    name=0.0,
    aside=1.0,
    of_list=1.0,
    without=1.0,
)
FULL = Ranking()
VARIANTS = {
    "ranked": FULL,
    "without path": replace(FULL, path=0.0),
    "without file": replace(FULL, file=0.0),
    "without summary": replace(FULL, summary=0.0),
    "without symbol": replace(FULL, symbol=0.0),
    "without name": replace(FULL, name=0.0),
    "without broad": replace(FULL, broad=10**6),
    "without aside": replace(FULL, aside=1.0),
    "without of_list": replace(FULL, of_list=1.0),
    "without identifiers": replace(FULL, without=1.0),
    "meaning and keywords, 0.7 and 0.3": replace(_ALONE, meaning=0.7, keywords=0.3),
    "meaning and keywords, 0.5 and 0.5": replace(_ALONE, meaning=0.5, keywords=0.5),
    "meaning alone": replace(_ALONE, meaning=1.0),
    "keywords alone": replace(_ALONE, keywords=1.0),
}
Encode = Callable[[Sequence[str]], np.ndarray]
Scores = dict[str, dict[tuple[str, str], list[float]]]  # variant → (repository, category) → NDCG@10 of each question


@contextmanager
def minilm(cache: Path, variant: str) -> Iterator[tuple[Encode, Callable[[list[Chunk]], np.ndarray]]]:
    """Encoders of questions and of chunks, whose vectors are kept."""
    encoder = load_encoder(f"{MINILM}@{variant}")
    with VectorCache(cache / "vectors.sqlite", encoder.identity, encoder.dimension) as kept:
        yield encoder.encode_queries, lambda chunks: compute_vectors(chunks, encoder, kept, 32)[0]


@contextmanager
def static(folder: Path) -> Iterator[tuple[Encode, Callable[[list[Chunk]], np.ndarray]]]:
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
        _told(one.name, len(chunks), scores["ranked"], took, waits)
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


def documentation(repositories: Sequence[Repository], encode: Encode, embed: Any, config: Evaluation) -> None:
    """Functions asked for by their documentation, which is taken out first: chunk-level NDCG@10, a table."""
    means: dict[str, list[float]] = defaultdict(list)
    for one in repositories:
        asked = make_questions(one.symbols(), config.retrieval_questions, config.seed)
        shown = [chunk for chunk in remove_documentation(one.chunks(), asked) if chunk["text"].strip()]
        shown = [{**chunk, "content_hash": fingerprint(chunk["symbol"], chunk["text"])} for chunk in shown]
        if not asked:
            continue
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
    print("documentation to code | mean | " + " | ".join(one.name for one in repositories))
    for name, values in means.items():
        print(f"{name} | {mean(values):.3f} | " + " | ".join(f"{value:.3f}" for value in values), flush=True)


def identifiers(repositories: Sequence[Repository], encode: Encode, embed: Any, seed: int) -> None:
    """Identifiers of several words that stand in one passage and are defined nowhere: how many of these passages come
    first, and how many among the first DEPTH; a table."""
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
    print(f"identifiers: first | first {DEPTH} | " + " | ".join(one.name for one in repositories))
    for name in VARIANTS:
        own = " | ".join(f"{value:.3f}" for value in first[name])
        print(f"{name} | {mean(first[name]):.3f} | {mean(among[name]):.3f} | {own}", flush=True)


def _single(chunks: Sequence[Chunk]) -> dict[str, str]:
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


def table(scores: Scores) -> None:
    """A row a variant: all questions, the worst mean when one repository is left out, and each category."""
    print("variant | NDCG@10 | least without one repository | " + " | ".join(CATEGORIES))
    for name, values in scores.items():
        repositories = sorted({repository for repository, _ in values})
        whole = mean(value for some in values.values() for value in some)
        left = [mean(v for (own, _), some in values.items() if own != out for v in some) for out in repositories]
        kinds = [[v for (_, kind), some in values.items() if kind == category for v in some] for category in CATEGORIES]
        shown = [f"{mean(kind):.3f}" if kind else "" for kind in kinds]
        print(f"{name} | {whole:.3f} | {min(left):.3f} | " + " | ".join(shown), flush=True)


def main() -> None:
    """Measure each encoder, then semble."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
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
    for name, opened in encoders:
        print(f"\n{name}", flush=True)
        with opened as (encode, embed):
            table(annotated_questions(repositories, encode, embed))
            documentation(asked, encode, embed, config)
            identifiers(asked, encode, embed, config.seed)
    if args.static:
        try:
            print("\nsemble, static")
            table(semble_questions(repositories, args.static))
        except ImportError as error:
            print(f"semble is left out: {error}")


if __name__ == "__main__":
    main()
