"""The card of a release, in Markdown: what it is, what it was made of, figures, gates, and how to take it back."""

from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.evaluation.metric_specs import in_order
from pipelines.gates import verdict_word
from pipelines.records import Record
from pipelines.registry.manifest import TAG_CHARS, Manifest
from pipelines.wording import format_count

FIRST = "bits_per_byte"


def write_model_card(project: str, manifest: Manifest, evaluation: Record, rows: Mapping[str, int]) -> str:
    """The Markdown, of at most TAG_CHARS characters: MLflow's databases keep no longer description.

    Args:
        evaluation: the content of `evaluation.json`.
        rows: examples of each split.
    """
    top = "\n".join([*_what(project, manifest, rows), "", *_figures(evaluation), ""])
    end = "\n".join(["", *_back(project)])
    return top + _gates(manifest.gates, TAG_CHARS - len(top) - len(end)) + end


def _what(project: str, manifest: Manifest, rows: Mapping[str, int]) -> list[str]:
    counts = ", ".join(f"{count} {split}" for split, count in rows.items())
    dataset = f"{manifest.dataset_dvc} in DVC's cache, {counts or 'not counted'}"
    what, consists = "what was learned of", "An adapter and the search index it was measured with"
    if not manifest.dataset_dvc:
        what, dataset = "the search index of", "none: nothing was trained"
        consists = "The search index of this commit and the base model as it is"
    elif manifest.adapter_from is not None:
        what = "the search index of"
        consists = f"The search index of this commit and the adapter of release {manifest.adapter_from}"
    return [
        f"# {project}: {what} commit {manifest.commit[:12]}",
        "",
        f"{consists}; they are live together or not at all.",
        "",
        "| | |",
        "| --- | --- |",
        f"| base model | {_cell(manifest.base_model)} ({manifest.base_identity[:12]}) |",
        f"| commit | {manifest.commit} |",
        f"| dataset | {dataset} |",
        f"| index | {manifest.index_version}, by {_cell(manifest.encoder)}, {manifest.dimension} dimensions |",
    ]


def _figures(evaluation: Record) -> list[str]:
    arms = evaluation.get("arms", {})
    if not arms:
        return ["Nothing was measured."]
    measured = [name for figures in arms.values() for name, one in figures.items() if one["value"] is not None]
    names = in_order([FIRST, *measured])
    examples = format_count(evaluation.get("examples", 0), "held-out example")
    head = [f"## Figures of {examples}", "", f"| arm | {' | '.join(names)} |"]
    body = [f"| {arm} | {' | '.join(figure(figures.get(name)) for name in names)} |" for arm, figures in arms.items()]
    gains = [f"- {name.replace('_', ' ')}: {figure(gain, '+.1%')}" for name, gain in evaluation["gains"].items()]
    return [*head, f"| --- |{' ---: |' * len(names)}", *body, "", "Bits saved, with their intervals:", "", *gains]


def figure(value: Any, form: str = ".3f") -> str:
    """An estimate with its interval as text: `1.234 (1.100 to 1.300)`; a dash when nothing was measured."""
    if not isinstance(value, Mapping) or value.get("value") is None:
        return "–"
    if value.get("low") is None or value.get("high") is None:
        return format(value["value"], form)
    return f"{value['value']:{form}} ({value['low']:{form}} to {value['high']:{form}})"


def _gates(gates: Iterable[dict[str, Any]], room: int) -> str:
    text = "\n## Gates\n\n| gate | verdict | reason | rule |\n| --- | --- | --- | --- |\n"
    gates = list(gates)
    for place, gate in enumerate(gates):
        cells = (_cell(gate[key]) for key in ("name", "reason", "rule"))
        name, reason, rule = cells
        line = f"| {name} | {verdict_word(gate)} | {reason} | {rule} |\n"
        more = f"\n{len(gates) - place} more are in the tags.\n"
        if len(text) + len(line) + len(more) > room:
            return text + more
        text += line
    return text


def _back(project: str) -> list[str]:
    return [
        "## Taking it back",
        "",
        f"`nocturne rollback --project {project}` makes the release live that was live before; `--to VERSION` names "
        f"one. Moving the alias `champion` here has the same effect, and is written down as by hand. "
        f"`nocturne show VERSION --project {project}` says all that is known of a release.",
    ]


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
