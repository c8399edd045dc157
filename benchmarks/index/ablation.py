"""The rankings that `benchmarks.index.quality` compares: ours, ours without one signal each, and plain ones."""

from dataclasses import replace

from pipelines.index.search.ranking import Ranking

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
OURS, BASELINE = "ours", "cosine and BM25 alone, 0.7 and 0.3"
VARIANTS = {
    OURS: FULL,
    "without the file's name": replace(FULL, path=0.0),
    "without the file's share": replace(FULL, file=0.0),
    "without the file's summary": replace(FULL, summary=0.0),
    "without words of the symbol": replace(FULL, symbol=0.0),
    "without a bonus for the definition that is named": replace(FULL, name=0.0),
    "with the file's full weight in long questions": replace(FULL, broad=10**6),
    "without ranking tests, examples and prose lower": replace(FULL, aside=1.0),
    "without a limit of half a list for one file": replace(FULL, of_list=1.0),
    "without identifiers": replace(FULL, without=1.0),
    BASELINE: replace(_ALONE, meaning=0.7, keywords=0.3),
    "cosine and BM25 alone, 0.5 and 0.5": replace(_ALONE, meaning=0.5, keywords=0.5),
    "cosine alone": replace(_ALONE, meaning=1.0),
    "BM25 alone": replace(_ALONE, keywords=1.0),
}
