"""The evaluation stage: holdout, adapter and vectors in; figures with intervals, charts and a page out."""

from collections.abc import Sequence

from pipelines import progress
from pipelines.config.schema import Params
from pipelines.dag.stage import Facts, Stage, empty_folder
from pipelines.evaluation import dvc_views
from pipelines.project import Project
from pipelines.records import read_json, read_jsonl, write_atomic, write_json, write_jsonl
from pipelines.records.dataset import Example
from pipelines.records.evaluation import Evaluation, Measured, RetrievalFigures, Score
from pipelines.records.training import Training


def run(project: Project, params: Params) -> Facts:
    """Write the records of what was measured, charts and page, what DVC's views read, and last `evaluation.json`.

    Raises:
        NocturneError: a needed file, the base model or the adapter cannot be read.
    """
    from pipelines.evaluation import retrieval
    from pipelines.evaluation.charts import draw_arms_chart, draw_loss_chart
    from pipelines.evaluation.report import build_report

    folder = empty_folder(project.path("evaluation"), "evaluation.json")
    found = retrieval.measure_retrieval(project, params)
    summary = retrieval.summarise_retrieval(found, params.evaluation)
    evaluation, records, others = _measure(project, params, summary)
    training: Training = read_json(project.path("training", "training.json"))
    log = training["log"]
    charts = {"arms": draw_arms_chart(evaluation), "loss": draw_loss_chart(log)}
    write_jsonl(folder / "scores.jsonl", records)
    write_jsonl(folder / "retrieval.jsonl", found)
    for name, listed in others.items():
        write_jsonl(folder / f"{name}.jsonl", listed)
    for name, png in charts.items():
        write_atomic(folder / f"{name}.png", png)
    write_atomic(folder / "report.html", build_report(project.name, evaluation, records, found, charts).encode())
    for name, value in (
        (dvc_views.METRICS, dvc_views.write_metrics(evaluation)),
        (dvc_views.LOSS, dvc_views.write_loss(log)),
        (dvc_views.GAINS, dvc_views.write_gains(evaluation)),
    ):
        write_json(project.path(name), value)
    write_json(folder / "evaluation.json", evaluation)
    return _facts(evaluation)


def _measure(
    project: Project, params: Params, found: RetrievalFigures
) -> tuple[Evaluation, list[Score], dict[str, Sequence[Measured]]]:
    from pipelines.evaluation import adapter_strength, forgetting, memorisation, suites
    from pipelines.evaluation.arms import measure_arm
    from pipelines.evaluation.eval_set import build_eval_set
    from pipelines.evaluation.result_cache import cache_results
    from pipelines.evaluation.summary import summarise
    from pipelines.lm.causal import CausalLM

    config, base_model = params.evaluation, params.training.base_model
    progress.report(0, 1, "measurements", "loading the models")
    adapter = project.path("training", "adapter")
    model = CausalLM.load(base_model, adapter, project.workspace, params.training.threads)
    given = build_eval_set(project, params, model, base_model, passages=True)
    asked = cache_results(model, project, params, base_model, adapter, "candidate")
    records = measure_arm(asked, given.examples, given.prompts, given.files, config, reworded=given.reworded)
    train, holdout = (
        list(read_jsonl(project.path("dataset", f"{side}.jsonl"), Example)) for side in ("train", "holdout")
    )
    cases = suites.measure_suites(project, params, model, asked)
    excerpts = forgetting.measure_forgetting(asked)
    strings = memorisation.measure_memorisation(asked, train, holdout, config)
    asked.forget_others()
    spare = adapter_strength.spare_strengths(holdout, config)
    return (
        {
            "base_model": base_model,
            "context_passages": config.context_passages,
            "with_passages": given.with_passages,
            **summarise(records, config),
            "retrieval": found,
            "suites": suites.summarise_suites(cases, config),
            "forgetting": forgetting.summarise_forgetting(excerpts, config),
            "memorisation": memorisation.summarise_memorisation(strings, config),
            "scale": adapter_strength.measure_strengths(model, spare, config),
        },
        records,
        {"suites": cases, "forgetting": excerpts, "memorisation": strings},
    )


def _facts(evaluation: Evaluation) -> Facts:
    arms, gain = evaluation["arms"], evaluation["gains"].get("adapter_vs_base")
    facts: Facts = {"examples": evaluation["examples"]}
    for arm in ("base", "adapter"):
        value = arms[arm]["bits_per_byte"]["value"] if arm in arms else None
        if value is not None:
            facts[arm] = round(value, 3)
    return {**facts, **({"gain": f"{gain['value']:+.1%}"} if gain else {})}


STAGE = Stage(
    "evaluation",
    run,
    inputs=(
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
    code_deps=("encoder", "index", "lm", "syntax"),
    metrics=(dvc_views.METRICS,),
    plots=(dvc_views.LOSS, dvc_views.GAINS),
)
