"""Which pairs of a better and a worse version become preferences, in the columns that TRL's trainers read."""

from typing import Any, cast

from pipelines.config.schema import Dataset
from pipelines.dataset.filters import quarantine_row
from pipelines.records import example_id
from pipelines.records.dataset import PairDraft, Preference, Quarantined


def admit_pairs(
    drafts: list[PairDraft], tokenizer: Any, params: Dataset, source: str
) -> tuple[list[Preference], list[Quarantined]]:
    """Drafts to pairs, and to quarantine rows with their reason.

    Args:
        drafts: in the order in which the first of several equals wins.

    Returns:
        (pairs, quarantined)
    """
    pairs: list[Preference] = []
    quarantined: list[Quarantined] = []
    first: dict[str, PairDraft] = {}
    for draft in drafts:
        tokens = _tokens(draft, tokenizer)
        broken = _find_broken(draft, tokens, first.setdefault(draft["same"], draft), tokenizer, params)
        if broken is None:
            pairs.append(_pair(draft, tokens, source))
        else:
            quarantined.append(quarantine_row(draft, *broken))
    return pairs, quarantined


def _find_broken(
    draft: PairDraft, tokens: int, first: PairDraft, tokenizer: Any, params: Dataset
) -> tuple[str, str] | None:
    """The rule that keeps a pair out, and why."""
    chosen, rejected = draft["chosen"], draft["rejected"]
    if not chosen.strip() or not rejected.strip():
        return "empty", "one of the two versions is blank"
    if chosen.split() == rejected.split():
        return "equal", "the two versions differ in white space or documentation alone"
    if any(token in part for part in draft["content"] for token in tokenizer.all_special_tokens):
        return (
            "special_token",
            "the source spells one of the base model's special tokens",
        )
    if first is not draft:
        return "duplicate", f"the same pair stands in {first['path']}:{first['start_line']}"
    if tokens > params.max_example_tokens:
        return "too_long", f"{tokens} tokens, at most {params.max_example_tokens} (dataset.max_example_tokens)"
    return None


def _tokens(draft: PairDraft, tokenizer: Any) -> int:
    """Of the prompt and the longer version, with the token that ends it."""
    texts = [draft["prompt"] + draft["chosen"], draft["prompt"] + draft["rejected"]]
    return max(len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]) + 1


def _pair(draft: PairDraft, tokens: int, source: str) -> Preference:
    kept = {key: value for key, value in draft.items() if key not in ("same", "content", "mode")}
    return cast(Preference, {**kept, "example_id": example_id(kept), "tokens": tokens, "source": source})
