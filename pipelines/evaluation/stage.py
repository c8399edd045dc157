"""The evaluation stage: holdout, adapter and vectors in; figures with intervals, charts and a page out."""

from pipelines import progress
from pipelines.evaluation import dvc_views
from pipelines.params import Params
from pipelines.project import Project
from pipelines.records import Record, read_json, read_jsonl, write_atomic, write_json, write_jsonl
from pipelines.stage import Facts, Stage, emptied


def run(project: Project, params: Params) -> Facts:
    """Write the records of what was measured, charts and page, what DVC's views read, and last `evaluation.json`.

    Raises:
        NocturneError: a needed file, the base model or the adapter cannot be read.
    """
    from pipelines.evaluation import retrieval
    from pipelines.evaluation.charts import arms_chart, loss_chart
    from pipelines.evaluation.report import report

    folder = emptied(project.path("evaluation"), "evaluation.json")
    found = retrieval.measured(project, params)
    evaluation, records, others = _measured(project, params)
    evaluation["retrieval"] = retrieval.summary(found, params.evaluation)
    log = read_json(project.path("training", "training.json"))["log"]
    charts = {"arms": arms_chart(evaluation), "loss": loss_chart(log)}
    write_jsonl(folder / "scores.jsonl", records)
    write_jsonl(folder / "retrieval.jsonl", found)
    for name, listed in others.items():
        write_jsonl(folder / f"{name}.jsonl", listed)
    for name, png in charts.items():
        write_atomic(folder / f"{name}.png", png)
    write_atomic(folder / "report.html", report(project.name, evaluation, records, found, charts).encode())
    for name, value in (
        (dvc_views.METRICS, dvc_views.metrics(evaluation)),
        (dvc_views.LOSS, dvc_views.loss(log)),
        (dvc_views.GAINS, dvc_views.gains(evaluation)),
    ):
        write_json(project.path(name), value)
    write_json(folder / "evaluation.json", evaluation)
    return _facts(evaluation)


def _measured(project: Project, params: Params) -> tuple[Record, list[Record], dict[str, list[Record]]]:
    from pipelines.evaluation import forgetting, memorisation, scale, suites
    from pipelines.evaluation.arms import measure
    from pipelines.evaluation.exam import exam
    from pipelines.evaluation.reuse import reused
    from pipelines.evaluation.summary import summary
    from pipelines.model.causal import CausalLM

    config, base_model = params.evaluation, params.training.base_model
    progress.report(0, 1, "measurements", "loading the models")
    adapter = project.path("training", "adapter")
    model = CausalLM.load(base_model, adapter, project.workspace, params.training.threads)
    given = exam(project, params, model, base_model, passages=True)
    asked = reused(model, project, params, base_model, adapter, "candidate")
    records = measure(asked, given.examples, given.prompts, given.files, config, reworded=given.reworded)
    train, holdout = (list(read_jsonl(project.path("dataset", f"{side}.jsonl"))) for side in ("train", "holdout"))
    others = {
        "suites": suites.measured(project, params, model, asked),
        "forgetting": forgetting.measured(asked),
        "memorisation": memorisation.measured(asked, train, holdout, config),
    }
    asked.forget_others()
    spare = scale.spare(holdout, config)
    return (
        {
            "base_model": base_model,
            "context_passages": config.context_passages,
            "with_passages": given.with_passages,
            **summary(records, config),
            "suites": suites.summary(others["suites"], config),
            "forgetting": forgetting.summary(others["forgetting"], config),
            "memorisation": memorisation.summary(others["memorisation"], config),
            "scale": scale.measured(model, spare, config),
        },
        records,
        others,
    )


def _facts(evaluation: Record) -> Facts:
    arms, gain = evaluation["arms"], evaluation["gains"].get("adapter_vs_base")
    bits = {arm: round(arms[arm]["bits_per_byte"]["value"], 3) for arm in ("base", "adapter") if arm in arms}
    return {"examples": evaluation["examples"], **bits, **({"gain": f"{gain['value']:+.1%}"} if gain else {})}


STAGE = Stage(
    "evaluation",
    run,
    needs=(
        "snapshot/suites.json",
        "dataset/train.jsonl",
        "dataset/holdout.jsonl",
        "extraction/files.jsonl",
        "extraction/symbols.jsonl",
        "extraction/chunks.jsonl",
        "embedding/vectors.npy",
        "embedding/embedding.json",
        "training/adapter",
        "training/training.json",
    ),
    params=("evaluation", "training.base_model", "training.threads", "embedding.trust_remote_code"),
    rooms=("model", "index", "syntax"),
    metrics=(dvc_views.METRICS,),
    plots=(dvc_views.LOSS, dvc_views.GAINS),
)
