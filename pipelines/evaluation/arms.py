"""The four arms on the same examples. They differ in whether the adapter is on and whether passages are shown; in
nothing else: same prompts, same batches, same decoding."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pipelines import progress
from pipelines.evaluation.metrics import edit_similarity, exact_match, syntax_validity
from pipelines.evaluation.sample import sampled
from pipelines.model.prompts import chat, fim_tokens
from pipelines.params import Params
from pipelines.project import Project
from pipelines.records import Record, read_jsonl

# arm: (with the adapter, with passages)
ARMS = {"base": (False, False), "base+rag": (False, True), "adapter": (True, False), "adapter+rag": (True, True)}
SLICE = 32


class Model(Protocol):
    """What is asked of a language model; `pipelines.model.causal.CausalLM` is one."""

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


def score(model: Model, pairs: Sequence[tuple[str, str]], adapted: bool, meter: Meter, note: str) -> list[float]:
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


def measure(
    model: Model,
    examples: Sequence[Record],
    prompts: Mapping[bool, Sequence[str]],
    files: Mapping[str, Record],
    params: Params,
) -> list[Record]:
    """One record an example: where it is from, its bytes, and per arm its bits and (for some) what was generated.

    Args:
        prompts: those of the examples without (False) and with (True) passages.
        files: by path, the records of `extraction/files.jsonl`.
    """
    config = params.evaluation
    chosen = {example["example_id"] for example in sampled(examples, config.generate_examples, config.seed)}
    places = [place for place, example in enumerate(examples) if example["example_id"] in chosen]
    meter = Meter(len(ARMS) * (len(examples) + len(places)))
    records = [_record(example, place in places) for place, example in enumerate(examples)]
    for arm, (adapted, shown) in ARMS.items():
        texts = prompts[shown]
        pairs = [(text, example["completion"]) for text, example in zip(texts, examples, strict=True)]
        bits = score(model, pairs, adapted, meter, f"{arm}: scored")
        for record, value in zip(records, bits, strict=True):
            record["bits"][arm] = value
        wanted = [texts[place] for place in places]
        for place, text in zip(places, model.generate(wanted, config.max_new_tokens, adapted=adapted), strict=True):
            _judge(records[place], arm, examples[place], text, files)
        meter.advance(len(places), f"{arm}: generated")
    return records


def score_adapter(project: Project, params: Params, adapter: Path, base_model: str) -> list[float]:
    """Bits of tonight's sampled holdout under some adapter, without passages, in the order of `scores.jsonl`.

    For the gates: the champion's adapter, measured tonight on what the candidate's was measured on.

    Args:
        base_model: what the adapter was trained on; prompts are put into its format when it is not tonight's.

    Raises:
        NocturneError: base or adapter cannot be loaded, or there is no holdout.
    """
    from pipelines.model.base import load_tokenizer
    from pipelines.model.causal import CausalLM

    config = params.evaluation
    holdout = read_jsonl(project.path("dataset", "holdout.jsonl"))
    examples = sampled(list(holdout), config.max_examples, config.seed)
    model = CausalLM.load(base_model, adapter, project.workspace, params.training.threads)
    texts = [example["prompt"] for example in examples]
    if base_model != params.training.base_model:
        tonight = load_tokenizer(params.training.base_model, project.workspace)
        texts = [translated(example, tonight, model.tokenizer) for example in examples]
    meter = Meter(len(examples))
    pairs = [(text, example["completion"]) for text, example in zip(texts, examples, strict=True)]
    return score(model, pairs, True, meter, "champion: scored")


def translated(example: Record, tokenizer: Any, other: Any) -> str:
    """An example's prompt in the format of another base model; its fill-in-the-middle tokens are exchanged."""
    if example["mode"] == "chat":
        return chat(other, example["request"])
    ours, theirs, prompt = fim_tokens(tokenizer), fim_tokens(other), str(example["prompt"])
    if ours is None or theirs is None:
        return prompt
    for name in ("prefix", "suffix", "middle"):
        prompt = prompt.replace(getattr(ours, name), getattr(theirs, name))
    return prompt.replace(ours.file, theirs.file or "") if ours.file else prompt


def _record(example: Record, generated: bool) -> Record:
    kept = ("example_id", "task", "language", "path", "start_line", "end_line")
    record = {**{key: example[key] for key in kept}, "bytes": len(example["completion"].encode()), "bits": {}}
    if generated:
        record |= {"expected": example["completion"], "generated": {}, "metrics": {}}
    return record


def _judge(record: Record, arm: str, example: Record, text: str, files: Mapping[str, Record]) -> None:
    validity = syntax_validity(example, text, files)
    record["generated"][arm] = text
    record["metrics"][arm] = {
        "exact_match": exact_match(example["completion"], text),
        "edit_similarity": round(edit_similarity(example["completion"], text), 6),
        **({} if validity is None else {"syntax_validity": validity}),
    }
