"""What a candidate tells MLflow: every figure that was measured, under names that it takes."""

from pathlib import Path

from mlflow.utils.validation import _validate_metric_name

from pipelines.night.candidate import Candidate


def figure(value):
    return {"value": value, "low": value, "high": value}


def made(**evaluation):
    empty = {"arms": {}, "gains": {}, "retrieval": {}, "suites": {}, "memorisation": {}}
    empty["forgetting"] = {"forgetting": figure(0.1)}
    return Candidate(
        night="n",
        index_version="i",
        evaluation={**empty, **evaluation},
        training={},
        embedding={},
        commit="c",
        dataset_dvc="d",
        index_dvc={},
        adapter=Path("adapter"),
        training_file=Path("training.json"),
        reports=(),
    )


def test_every_figure_is_a_metric_under_a_name_that_mlflow_takes():
    metrics = made(
        arms={"adapter+rag": {"chrf": figure(0.2), "exact_match": figure(None)}},
        gains={"adapter+rag_vs_base": figure(0.3)},
        retrieval={"metrics": {"recall@5": figure(0.4)}},
        suites={"arms": {"base": figure(0.5)}},
        memorisation={"extracted": {"adapter": figure(0.6)}},
    ).metrics()
    assert metrics == {
        "adapter_rag_chrf": 0.2,
        "gain_adapter_rag_vs_base": 0.3,
        "retrieval_recall_at_5": 0.4,
        "base_pattern_adherence": 0.5,
        "adapter_forgetting": 0.1,
        "adapter_memorisation": 0.6,
    }
    for name in metrics:
        _validate_metric_name(name)


def test_what_was_not_measured_is_no_metric():
    assert made().metrics() == {"adapter_forgetting": 0.1}
