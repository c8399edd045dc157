"""Search in the index of one release, or in what is watched on top of it."""

from typing import TYPE_CHECKING, Protocol

from pipelines.assistant.protocols import Live
from pipelines.assistant.rerank import LOOKED_AT, rerank
from pipelines.assistant.watch_client import ask_watch
from pipelines.config.schema import Params
from pipelines.encoder.cross_encoder import load_reranker
from pipelines.encoder.encoder import Encoder, load_encoder
from pipelines.index import Hit, Scope, open_index
from pipelines.index.search.query import Query, parse_query, resolve_endings
from pipelines.project import Project

if TYPE_CHECKING:
    import numpy as np


class Searchable(Protocol):
    """What is asked of an index here: a released version and a changing copy of one both answer to it."""

    def blobs(self) -> dict[str, str]: ...
    def search(self, text: str, vector: "np.ndarray", limit: int, scope: Scope) -> list[Hit]: ...


def search(project: Project, params: Params, live: Live, text: str, limit: int) -> list[Hit]:
    """The best chunks for a text that score `search.min_score` or more, best first; none when nothing fits.

    From the release's index, by the release's encoder.

    Where `nocturne watch` runs on top of that release, it answers, and knows what was saved since. With `search.rerank`
    that model orders the first LOOKED_AT of them, or as many as are asked for, and theirs is the score.

    Args:
        text: words, and filters as `pipelines.index.search.query` reads them.

    Raises:
        UsageError: the text is empty, or has a filter that cannot be read.
        NocturneError: the index version, the encoder or the reranker is not to be had.
    """
    asked, judge = parse_query(text), params.search.rerank
    wanted = max(limit, LOOKED_AT) if judge else limit
    fresh = ask_watch(project, live.index_version, text, wanted)
    found = _search_release(project, params, live, asked, wanted) if fresh is None else fresh
    if judge and found:
        found = rerank(load_reranker(judge), asked.text, found)[:limit]
    return [hit for hit in found if hit.score >= params.search.min_score]


def _search_release(project: Project, params: Params, live: Live, asked: Query, limit: int) -> list[Hit]:
    # The index first: a missing one is told at once, a model takes seconds to load.
    with open_index(project, params.index, live.index_version) as index:
        encoder = load_encoder(live.encoder, trust_remote_code=params.embedding.trust_remote_code)
        return search_index(index, encoder, asked, limit)


def search_index(index: Searchable, encoder: Encoder, asked: Query, limit: int) -> list[Hit]:
    """The best chunks of an open index for a question.

    Raises:
        UsageError: the question has a file ending that no indexed file has.
    """
    scope = resolve_endings(asked.scope, index.blobs)
    return index.search(asked.text, encoder.encode_queries([asked.text])[0], limit, scope)
