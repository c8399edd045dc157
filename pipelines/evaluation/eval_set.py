"""Tonight's exam: the held-out examples that are measured, and what a model is shown of them. The candidate takes it in
its stage, the champion at the gates."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import progress
from pipelines.config.schema import Params
from pipelines.evaluation import forgetting, suites
from pipelines.evaluation.arms import ARMS, measure_arm
from pipelines.evaluation.metric_specs import MEASURES
from pipelines.evaluation.result_cache import cache_results
from pipelines.evaluation.retrieved_context import add_passages, find_passages
from pipelines.evaluation.sample import sample
from pipelines.evaluation.summary import EXAMINED
from pipelines.lm.prompts import apply_chat_template, fim_tokens, reword
from pipelines.project import Project
from pipelines.records import read_jsonl
from pipelines.records.dataset import Example
from pipelines.records.evaluation import Measured
from pipelines.records.extraction import File


@dataclass(frozen=True)
class EvalSet:
    """Attributes:
    examples: rows of `holdout.jsonl`.
    prompts: by whether passages are shown, one prompt an example; with passages only when they were asked for.
    files: by path, the records of `extraction/files.jsonl` that the examples are of.
    reworded: each example's request in other words as a prompt without passages; None for what is no request.
    """

    examples: list[Example]
    prompts: dict[bool, list[str]]
    files: dict[str, File]
    reworded: list[str | None]

    @property
    def with_passages(self) -> int:
        """How many prompts had room for passages, and some were found."""
        pairs = zip(self.prompts[False], self.prompts.get(True, self.prompts[False]), strict=True)
        return sum(one != other for one, other in pairs)


def build_eval_set(project: Project, params: Params, model: Any, base_model: str, passages: bool) -> EvalSet:
    """The exam in the format of a loaded model.

    Args:
        model: a `CausalLM` on `base_model`; when that is not tonight's base, prompts are put into its format.
        passages: whether an arm is shown some.

    Raises:
        NocturneError: there is no holdout, or the index or its encoder cannot be opened.
    """
    config = params.evaluation
    examples = sample(
        list(read_jsonl(project.path("dataset", "holdout.jsonl"), Example)), config.max_examples, config.seed
    )
    if base_model != params.training.base_model:
        from pipelines.lm.base_model import load_tokenizer

        tonight = load_tokenizer(params.training.base_model, project.workspace)
        examples = [{**one, "prompt": translate_progress(one, tonight, model.tokenizer)} for one in examples]
    prompts = {False: [str(example["prompt"]) for example in examples]}
    if passages:
        progress.report(0, 1, "measurements", "searching passages")
        hits = find_passages(project, params, examples)
        prompts[True] = add_passages(examples, hits, model.tokenizer, model.max_length, config)
    wanted = {example["path"] for example in examples}
    files = {f["path"]: f for f in read_jsonl(project.path("extraction", "files.jsonl"), File) if f["path"] in wanted}
    requests = [reword(one["request"]) if one["mode"] == "chat" else None for one in examples]
    return EvalSet(examples, prompts, files, [text and apply_chat_template(model.tokenizer, text) for text in requests])


def evaluate_adapter(
    project: Project, params: Params, adapter: Path, base_model: str, arms: Sequence[str], metrics: Collection[str]
) -> list[Measured]:
    """Some adapter's records of tonight's exam, in the form and order of `scores.jsonl`, then of the others.

    Args:
        base_model: what the adapter was trained on.
        arms: those that are measured.
        metrics: what is asked for: texts are written, which costs the most, and other questions are put, only then.

    Raises:
        NocturneError: base or adapter cannot be loaded, or there is no holdout.
    """
    from pipelines.lm.causal import CausalLM

    progress.report(0, 1, "measurements", "loading the model")
    model = CausalLM.load(base_model, adapter, project.workspace, params.training.threads)
    given = build_eval_set(project, params, model, base_model, passages=any(ARMS[arm][1] for arm in arms))
    asked = cache_results(model, project, params, base_model, adapter, "champion")
    generate = any(MEASURES[metric].generated for metric in metrics if metric in EXAMINED)
    others = given.reworded if "consistency" in metrics else ()
    scores = measure_arm(asked, given.examples, given.prompts, given.files, params.evaluation, arms, generate, others)
    records: list[Measured] = [*scores]
    if "pattern_adherence" in metrics:
        records += suites.measure_suites(project, params, model, asked, arms)
    if "forgetting" in metrics:
        records += forgetting.measure_forgetting(asked)
    asked.forget_others()
    return records


def translate_progress(example: Example, tokenizer: Any, other: Any) -> str:
    """An example's prompt in the format of another base model; its fill-in-the-middle tokens are exchanged."""
    if example["mode"] == "chat":
        return apply_chat_template(other, example["request"])
    ours, theirs, prompt = fim_tokens(tokenizer), fim_tokens(other), str(example["prompt"])
    if ours is None or theirs is None:
        return prompt
    for name in ("prefix", "suffix", "middle"):
        prompt = prompt.replace(getattr(ours, name), getattr(theirs, name))
    return prompt.replace(ours.file, theirs.file or "") if ours.file else prompt
