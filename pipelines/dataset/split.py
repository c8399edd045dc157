"""Which files are held out, and which drafts become examples: whole files, no duplicates, nothing lost silently."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.params import Dataset
from pipelines.records import Record, fingerprint


def held_out(paths: Iterable[str], params: Dataset) -> set[str]:
    """The files of the holdout.

    A file's place depends on its path and the seed alone, so that it stays on its side from night to night. When that
    rule holds out less than half of the wanted share of the examples (few files), the next ones in line join.

    Args:
        paths: one entry for each example that a file has made.
    """
    counts = Counter(paths)
    total = counts.total()
    chosen: set[str] = set()
    covered = 0
    for place, path in sorted((_place(path, params.seed), path) for path in counts):
        enough = covered >= total * params.holdout / 2 and chosen
        if (place >= params.holdout and enough) or len(chosen) + 1 >= len(counts):
            break
        chosen.add(path)
        covered += counts[path]
    return chosen


def admit(drafts: list[Record], tokenizer: Any, params: Dataset, source: str) -> tuple[list[Record], list[Record]]:
    """Drafts to examples, and to quarantine rows with their reason.

    Args:
        drafts: of one side of the split or of both, in the order in which the first of several equals wins.

    Returns:
        (examples, quarantined)
    """
    examples: list[Record] = []
    quarantined: list[Record] = []
    seen: dict[str, Record] = {}
    special = tuple(tokenizer.all_special_tokens)
    for draft, tokens in _counted(drafts, tokenizer):
        first = seen.setdefault(draft["same"], draft)
        if not draft["completion"].strip():
            quarantined.append(_row(draft, "empty", "the completion is blank"))
        elif any(token in part for part in draft["content"] for token in special):
            reason = "the source spells one of the base model's special tokens, which would end the text early"
            quarantined.append(_row(draft, "special_token", reason))
        elif first is not draft:
            where = f"{first['path']}:{first['start_line']}"
            quarantined.append(_row(draft, "duplicate", f"the same example stands in {where}"))
        elif tokens > params.max_example_tokens:
            over = f"{tokens} tokens, at most {params.max_example_tokens} (dataset.max_example_tokens)"
            quarantined.append(_row(draft, "too_long", over))
        else:
            examples.append(_example(draft, tokens, source))
    return examples, quarantined


def _place(path: str, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}:{path}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _counted(drafts: list[Record], tokenizer: Any, batch: int = 256) -> Iterator[tuple[Record, int]]:
    for at in range(0, len(drafts), batch):
        some = drafts[at : at + batch]
        texts = [d["prompt"] + d["completion"] for d in some]
        for draft, ids in zip(some, tokenizer(texts, add_special_tokens=False)["input_ids"], strict=True):
            yield draft, len(ids) + 1


def _example(draft: Record, tokens: int, source: str) -> Record:
    kept = {key: value for key, value in draft.items() if key not in ("same", "content")}
    identity = fingerprint(draft["path"], draft["start_byte"], draft["end_byte"], draft["mode"], draft["same"])
    return {**kept, "example_id": identity[:16], "tokens": tokens, "source": source}


def _row(draft: Record, rule: str, reason: str) -> Record:
    kept = ("task", "path", "language", "start_line", "end_line", "blob", "commit")
    return {**{key: draft[key] for key in kept}, "rule": rule, "reason": reason}
