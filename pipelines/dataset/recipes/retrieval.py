"""Examples of `implement` and `fim` with retrieved passages before them, distractors included.

The adapter learns to use what fits and to ignore the rest (RAFT, Zhang et al. 2024, arXiv:2403.10131).
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from pipelines import progress
from pipelines.dataset.recipes import fim, implement
from pipelines.dataset.recipes.recipe import Recipe, Sources
from pipelines.lm.context_packing import Excerpt, choose_fitting, prompt_with_context
from pipelines.lm.prompts import add_context
from pipelines.records import Record, fingerprint, read_json

if TYPE_CHECKING:
    import numpy as np

    from pipelines.index import Hit

PASSAGES = 3
FOUND = 30  # hits that are looked at
FAR = 5  # from this rank on a hit is a distractor
ONLY_DISTRACTORS = 0.2  # of the prompts; RAFT's best share was 0 to 0.6, by data set
ROOM, MOST = 112, 160  # tokens of each passage with its frame; an example with less room is not drawn
QUERIES = "queries.sqlite"


def make(sources: Sources) -> Iterator[Record]:
    """At most `dataset.retrieval_examples` drafts over all files, as many of `implement` as of `fim`.

    `source[start_byte:end_byte]` is the completion, as it is in these two.

    Raises:
        NocturneError: extraction or embedding has not run, or the encoder is not to be had.
    """
    from pipelines.index import private_index

    drafts = [*_draw(sources, implement.make(sources)), *_draw(sources, fim.make(sources))]
    if not drafts:
        return
    vectors = _vectors(sources, [draft["query"] for draft in drafts])
    with private_index(sources.project) as index:
        for draft, vector in zip(drafts, vectors, strict=True):
            hits = [hit for hit in index.search(draft["query"], vector, FOUND) if _may_see(sources, draft, hit)]
            shown = _choose_passages(sources, draft, hits)
            if shown:
                yield _add_passages(sources, draft, shown)


def _draw(sources: Sources, drafts: Iterator[Record]) -> Iterator[Record]:
    """Half of the wanted examples, by a hash of their content, of those that leave room for passages.

    Of equal drafts that of a held-out file is taken, so that its copy is not trained on.
    """

    def rank(draft: Record) -> tuple[str, bool, str, int]:
        return draft["same"], draft["path"] not in sources.held_out, draft["path"], draft["start_byte"]

    different = {draft["same"]: draft for draft in sorted(drafts, key=rank, reverse=True)}
    fit = (draft for _, draft in sorted(different.items()) if _fits(sources, draft))
    return islice(fit, sources.params.retrieval_examples // 2)


def _fits(sources: Sources, draft: Record) -> bool:
    return all(map(sources.plain, draft["content"])) and _room(sources, draft) >= PASSAGES * ROOM


def _room(sources: Sources, draft: Record) -> int:
    return sources.room(draft["prompt"], draft["completion"])


def _vectors(sources: Sources, queries: Sequence[str]) -> "list[np.ndarray]":
    """A vector a query; one that was asked on an earlier night is not computed again."""
    from pipelines.encoder.encoder import load_encoder
    from pipelines.encoder.vector_cache import VectorCache

    written = read_json(sources.project.path("embedding", "embedding.json"))["model"]
    encoder = load_encoder(written, trust_remote_code=sources.trust_remote_code)
    hashes = [hashlib.sha256(query.encode()).hexdigest() for query in queries]
    file = sources.project.cache / "dataset" / QUERIES
    with VectorCache(file, encoder.identity, encoder.dimension) as cache:
        known = cache.get(hashes)
        missing = {one: query for one, query in zip(hashes, queries, strict=True) if one not in known}
        progress.report(0, 1, "recipes", f"{len(missing)} queries are encoded")
        made = encoder.encode_queries(list(missing.values()))
        cache.put(missing, made)
        cache.keep_only(hashes)
    known.update(zip(missing, made, strict=True))
    return [known[one] for one in hashes]


def _may_see(sources: Sources, draft: Record, hit: "Hit") -> bool:
    """Whether a passage may stand before a draft: not the answer, and nothing held out before an example to train on.

    Fill-in-the-middle sees its own file already.
    """
    if not sources.may_show(draft["path"], hit.path) or not sources.plain(hit.text):
        return False
    if draft["completion"].strip() in hit.text:
        return False
    apart = hit.end_line < draft["start_line"] or hit.start_line > draft["end_line"]
    return hit.path != draft["path"] or (draft["mode"] == "chat" and apart)


def _choose_passages(sources: Sources, draft: Record, hits: "Sequence[Hit]") -> list[Excerpt]:
    """The best hit and distractors, or distractors alone, in an order that says nothing."""
    chance = random.Random(fingerprint(sources.params.seed, draft["same"]))
    useful = [] if chance.random() < ONLY_DISTRACTORS else list(hits[:1])
    others = hits[FAR:] or hits[1:]
    chosen = [*useful, *chance.sample(others, min(PASSAGES - len(useful), len(others)))]
    chance.shuffle(chosen)
    room = min(MOST, _room(sources, draft) // PASSAGES)
    return [one for hit in chosen for one in choose_fitting([hit], sources.tokenizer, room)]


def _add_passages(sources: Sources, draft: Record, shown: Sequence[Excerpt]) -> Record:
    request = add_context(draft["request"], shown) if draft["request"] else ""
    return {
        **draft,
        "task": "retrieval",
        "prompt": prompt_with_context(draft, shown, sources.tokenizer, sources.fim),
        "request": request,
        "same": hashlib.sha256(f"retrieval\0{draft['same']}".encode()).hexdigest(),
    }


RECIPE = Recipe("retrieval", make, "examples of implement or fim short enough for passages, and passages for them")
