"""The evaluation stage: holdout, adapter and vectors in; figures with intervals, charts and a page out."""

import shutil

from pipelines import progress
from pipelines.params import Params
from pipelines.project import Project
from pipelines.records import Record, read_json, read_jsonl, write_atomic, write_json, write_jsonl
from pipelines.stage import Facts, Stage


def run(project: Project, params: Params) -> Facts:
    """Write `evaluation.json`, `scores.jsonl`, `loss.png`, `arms.png` and `report.html`; the first one last.

    Raises:
        NocturneError: a needed file, the base model or the adapter cannot be read.
    """
    from pipelines.evaluation.charts import arms_chart, loss_chart
    from pipelines.evaluation.report import report

    folder = project.path("evaluation")
    shutil.rmtree(folder, ignore_errors=True)
    evaluation, records = _measured(project, params)
    log = read_json(project.path("training", "training.json"))["log"]
    charts = {"arms": arms_chart(evaluation), "loss": loss_chart(log)}
    write_jsonl(folder / "scores.jsonl", records)
    for name, png in charts.items():
        write_atomic(folder / f"{name}.png", png)
    write_atomic(folder / "report.html", report(project.name, evaluation, records, charts).encode())
    write_json(folder / "evaluation.json", evaluation)
    return _facts(evaluation)


def _measured(project: Project, params: Params) -> tuple[Record, list[Record]]:
    from pipelines.evaluation.arms import measure
    from pipelines.evaluation.context import found, prompts_with
    from pipelines.evaluation.sample import sampled
    from pipelines.evaluation.summary import summary
    from pipelines.model.causal import CausalLM

    config = params.evaluation
    examples = sampled(list(read_jsonl(project.path("dataset", "holdout.jsonl"))), config.max_examples, config.seed)
    progress.report(0, 1, "measurements", "searching passages")
    passages = found(project, params, examples)
    progress.report(0, 1, "measurements", "loading the models")
    model = CausalLM.load(
        params.training.base_model, project.path("training", "adapter"), project.workspace, params.training.threads
    )
    bare = [str(example["prompt"]) for example in examples]
    shown = prompts_with(examples, passages, model.tokenizer, model.max_length, config)
    wanted = {example["path"] for example in examples}
    files = {f["path"]: f for f in read_jsonl(project.path("extraction", "files.jsonl")) if f["path"] in wanted}
    records = measure(model, examples, {False: bare, True: shown}, files, params)
    return {
        "base_model": params.training.base_model,
        "context_passages": config.context_passages,
        "with_passages": sum(one != other for one, other in zip(bare, shown, strict=True)),
        **summary(records, config),
    }, records


def _facts(evaluation: Record) -> Facts:
    arms, gain = evaluation["arms"], evaluation["gains"]["adapter_vs_base"]["value"]
    return {
        "examples": evaluation["examples"],
        "base": round(arms["base"]["bits_per_byte"]["value"], 3),
        "adapter": round(arms["adapter"]["bits_per_byte"]["value"], 3),
        "gain": f"{gain:+.1%}",
    }


STAGE = Stage(
    "evaluation",
    run,
    needs=(
        "dataset/holdout.jsonl",
        "extraction/files.jsonl",
        "extraction/chunks.jsonl",
        "embedding/vectors.npy",
        "embedding/embedding.json",
        "training/adapter",
        "training/training.json",
    ),
    params=("evaluation", "training.base_model", "training.threads", "embedding.model"),
    rooms=("model", "index", "syntax"),
)
