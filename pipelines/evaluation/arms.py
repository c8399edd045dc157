"""The four arms on the same examples. They differ in whether the adapter is on and whether passages are shown; in
nothing else: same prompts, same batches, same decoding."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pipelines import progress
from pipelines.config.schema import Evaluation
from pipelines.evaluation.sample import sample
from pipelines.evaluation.text_metrics import chrf, edit_similarity, exact_match, syntax_validity
from pipelines.records.dataset import Example
from pipelines.records.evaluation import Score
from pipelines.records.extraction import File

# arm: (with the adapter, with passages)
ARMS = {
    "base": (False, False),
    "base+rag": (False, True),
    "adapter": (True, False),
    "adapter+rag": (True, True),
}
SLICE = 32


def arms_of(adapted: bool) -> list[str]:
    """The arms that there are; those of the adapter only where something was learned."""
    return [arm for arm, (wanted, _) in ARMS.items() if adapted or not wanted]


class Model(Protocol):
    """What is asked of a language model; `pipelines.lm.causal.CausalLM` is one."""

    @property
    def adapted(self) -> bool: ...
    def score(self, pairs: Sequence[tuple[str, str]], *, adapted: bool) -> list[float]: ...
    def generate(self, prompts: Sequence[str], max_new_tokens: int, *, adapted: bool = True) -> list[str]: ...


class Meter:
    """Counts the examples that any arm has done."""

    def __init__(self, total: int) -> None:
        self._done, self._total = 0, total

    def advance(self, count: int, note: str) -> None:
        """Report that `count` more are done."""
        self._done += count
        progress.report(self._done, self._total, "measurements", note)


def score_arms(model: Model, pairs: Sequence[tuple[str, str]], adapted: bool, meter: Meter, note: str) -> list[float]:
    """Bits of each pair's completion, in the pairs' order.

    In slices of like length, so that progress shows; the slices depend on the pairs alone, so that the same adapter
    always gets the same bits to the last digit.
    """
    order = sorted(range(len(pairs)), key=lambda index: (sum(map(len, pairs[index])), index))
    bits = [0.0] * len(pairs)
    for at in range(0, len(order), SLICE):
        some = order[at : at + SLICE]
        for index, value in zip(some, model.score([pairs[i] for i in some], adapted=adapted), strict=True):
            bits[index] = round(value, 4)
        meter.advance(len(some), note)
    return bits


def measure_arm(
    model: Model,
    examples: Sequence[Example],
    prompts: Mapping[bool, Sequence[str]],
    files: Mapping[str, File],
    config: Evaluation,
    arms: Sequence[str] | None = None,
    generate: bool = True,
    reworded: Sequence[str | None] = (),
) -> list[Score]:
    """One record an example: where it is from, its bytes, and per arm its bits and (for some) what was generated.

    Args:
        prompts: those of the examples without (False) and with (True) passages, as far as the arms need them.
        files: by path, the records of `extraction/files.jsonl`.
        arms: those that are measured, by default all that there are. Of a model that learned nothing, what it answers
            with stands for the adapter's.
        generate: whether texts are written and judged.
        reworded: each example's prompt without passages in other words, where there are some; the arms without passages
            answer it as well, to tell how alike their two answers are.
    """
    chosen = {example["example_id"] for example in sample(examples, config.generate_examples, config.seed)}
    places = [place for place, example in enumerate(examples) if generate and example["example_id"] in chosen]
    other = [place for place in places if reworded and reworded[place]]
    arms = arms_of(model.adapted) if arms is None else arms
    bare = sum(not ARMS[arm][1] for arm in arms)
    meter = Meter(len(arms) * (len(examples) + len(places)) + bare * len(other))
    records = [_record(example, place in places) for place, example in enumerate(examples)]
    for arm in arms:
        adapted, shown = ARMS[arm][0] and model.adapted, ARMS[arm][1]
        texts = prompts[shown]
        pairs = [(text, example["completion"]) for text, example in zip(texts, examples, strict=True)]
        bits = score_arms(model, pairs, adapted, meter, f"{arm}: scored")
        for record, value in zip(records, bits, strict=True):
            record["bits"][arm] = value
        wanted = [texts[place] for place in places]
        for place, text in zip(places, model.generate(wanted, config.max_new_tokens, adapted=adapted), strict=True):
            _judge(records[place], arm, examples[place], text, files)
        meter.advance(len(places), f"{arm}: generated")
        if other and not shown:
            again = model.generate([str(reworded[place]) for place in other], config.max_new_tokens, adapted=adapted)
            for place, text in zip(other, again, strict=True):
                alike = edit_similarity(records[place]["generated"][arm], text)
                records[place]["metrics"][arm]["consistency"] = round(alike, 6)
            meter.advance(len(other), f"{arm}: reworded")
    return records


def _record(example: Example, generated: bool) -> Score:
    record: Score = {
        "example_id": example["example_id"],
        "task": example["task"],
        "language": example["language"],
        "path": example["path"],
        "start_line": example["start_line"],
        "end_line": example["end_line"],
        "bytes": len(example["completion"].encode()),
        "bits": {},
    }
    if generated:
        record["expected"], record["generated"], record["metrics"] = example["completion"], {}, {}
    return record


def _judge(record: Score, arm: str, example: Example, text: str, files: Mapping[str, File]) -> None:
    validity = syntax_validity(example, text, files)
    record["generated"][arm] = text
    record["metrics"][arm] = {
        "exact_match": exact_match(example["completion"], text),
        "edit_similarity": round(edit_similarity(example["completion"], text), 6),
        "chrf": round(chrf(example["completion"], text), 6),
        **({} if validity is None else {"syntax_validity": validity}),
    }
