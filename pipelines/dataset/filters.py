"""Which drafts become examples, and which go to quarantine with their reason: nothing is lost silently."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from pipelines.config.schema import Dataset
from pipelines.dataset.duplicates import find_repeats
from pipelines.dataset.quality import Quality
from pipelines.records import example_id
from pipelines.records.dataset import Draft, Example, PairDraft, Quarantined, Scored

if TYPE_CHECKING:
    from pipelines.dataset.split import Split


class ScoredDraft(Draft, Scored):
    """A draft that no rule but one about its neighbours can refuse any more."""


def admit(
    drafts: list[Draft],
    tokenizer: Any,
    params: Dataset,
    source: str,
    parts: "Split | None" = None,
    quality: Quality | None = None,
) -> tuple[list[Example], list[Quarantined]]:
    """Drafts to examples, and to quarantine rows with their reason.

    Args:
        drafts: of one side of the split or of both, in the order in which the first of several equals wins.
        parts: which of them are held out; none where it is not given.
        quality: what scores them; without facts of symbols where it is not given.

    Returns:
        (examples, quarantined)
    """
    sound: list[tuple[ScoredDraft, int]] = []
    quarantined: list[Quarantined] = []
    seen: dict[str, Draft] = {}
    special = tuple(tokenizer.all_special_tokens)
    scorer = quality or Quality()
    for draft, tokens in _count_tokens(drafts, tokenizer):
        first = seen.setdefault(draft["same"], draft)
        fault = _find_fault(draft, first, tokens, special, params) or _find_late_context(draft, params, parts)
        if fault is None:
            scored = scorer.of(draft)
            fault = _find_low_quality(scored, params)
            if fault is None:
                sound.append(({**draft, **scored}, tokens))
                continue
        quarantined.append(quarantine_row(draft, *fault))
    held = [parts is not None and parts.holds(draft) for draft, _ in sound]
    gone = find_repeats([draft for draft, _ in sound], held, params.near_duplicate)
    for at, (rule, stays) in sorted(gone.items()):
        reason = (
            f"{params.near_duplicate:.0%} of it or more (dataset.near_duplicate) stands in {_where(sound[stays][0])}"
        )
        quarantined.append(quarantine_row(sound[at][0], rule, reason))
    kept = (pair for at, pair in enumerate(sound) if at not in gone)
    return [_example(draft, tokens, source) for draft, tokens in kept], quarantined


def _find_fault(
    draft: Draft, first: Draft, tokens: int, special: tuple[str, ...], params: Dataset
) -> tuple[str, str] | None:
    """The rule that a draft breaks, and how."""
    if not draft["completion"].strip():
        return "empty", "the completion is blank"
    if any(token in part for part in draft["content"] for token in special):
        reason = "the source spells one of the base model's special tokens, which would end the text early"
        return "special_token", reason
    if first is not draft:
        return "duplicate", f"the same example stands in {_where(first)}"
    if tokens > params.max_example_tokens:
        return "too_long", f"{tokens} tokens, at most {params.max_example_tokens} (dataset.max_example_tokens)"
    return None


def _find_late_context(draft: Draft, params: Dataset, parts: "Split | None") -> tuple[str, str] | None:
    if parts is None or parts.holds(draft) or not parts.reveals(draft):
        return None
    return "later_context", f"it shows a line committed after {params.split_after} (dataset.split_after)"


def _find_low_quality(scored: Scored, params: Dataset) -> tuple[str, str] | None:
    if scored["quality"] >= params.min_quality:
        return None
    parts = ", ".join(f"{name} {value:g}" for name, value in scored["quality_parts"].items())
    return (
        "low_quality",
        f"quality {scored['quality']:g} ({parts}), at least {params.min_quality:g} (dataset.min_quality)",
    )


def _where(draft: Draft) -> str:
    return f"{draft['path']}:{draft['start_line']}"


def _count_tokens(drafts: list[Draft], tokenizer: Any, batch: int = 256) -> Iterator[tuple[Draft, int]]:
    for at in range(0, len(drafts), batch):
        some = drafts[at : at + batch]
        texts = [d["prompt"] + d["completion"] for d in some]
        for draft, ids in zip(some, tokenizer(texts, add_special_tokens=False)["input_ids"], strict=True):
            yield draft, len(ids) + 1


def _example(draft: ScoredDraft, tokens: int, source: str) -> Example:
    kept = {key: value for key, value in draft.items() if key not in ("same", "content")}
    return cast(Example, {**kept, "example_id": example_id(kept), "tokens": tokens, "source": source})


def quarantine_row(draft: Draft | PairDraft, rule: str, reason: str) -> Quarantined:
    """The quarantine row of a draft: where it comes from, never what it says."""
    return {
        "task": draft["task"],
        "path": draft["path"],
        "language": draft["language"],
        "start_line": draft["start_line"],
        "end_line": draft["end_line"],
        "blob": draft["blob"],
        "commit": draft["commit"],
        "rule": rule,
        "reason": reason,
    }
