"""What a person reads of releases: one line of one, one page of one, two beside each other, and what was cleared."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.cli.progress_view import COLOURS
from pipelines.evaluation.metric_specs import BITS_PER_BYTE
from pipelines.gates import verdict_word
from pipelines.night.model_card import FIRST, figure
from pipelines.registry.release import Release
from pipelines.release.retention import Cleared, Waste
from pipelines.wording import format_count

NAMED = 10  # files, commits or objects; all of them with --json
EXAMPLES = 3
GAINS = "gains"


def format_line(release: Release) -> str:
    """One release in one line."""
    manifest = release.manifest
    gains = [gate["value"] for gate in manifest.gates if _is_gain(gate)]
    gain = gains[0] if gains else None
    figures = f"gain {gain:+.1%}" if gain is not None else ""
    return (
        f"{release.version:>3}  {release.created}  commit {manifest.commit[:7]}  index {manifest.index_version}  "
        f"data {manifest.dataset_sha256[:8]}  {figures}  {_adapter(release)}{' '.join(release.aliases)}"
    )


def _is_gain(gate: Mapping[str, Any]) -> bool:
    """Whether a gate's value is the share of bits per byte that was saved."""
    return gate["metric"] == FIRST and gate["against"] == "base" and gate["value"] is not None


def _adapter(release: Release) -> str:
    former = release.manifest.adapter_from
    return f"adapter of release {former}  " if former is not None else ""


def format_move(event: Mapping[str, Any]) -> str:
    """One move of `champion` in one line."""
    ends = [f"release {event[end]}" if event[end] is not None else "nothing" for end in ("from", "to")]
    who = f"{event['by']} ({event['user']})" if event.get("user") else event["by"]
    noticed = "noticed " if event["by"] == "by hand" else ""
    return f"{noticed}{event['at'][:19]}  {ends[0]} → {ends[1]}  {who}"


def format_release(facts: Mapping[str, Any]) -> None:
    """A page of `explain_difference`."""
    recorded, data = facts["recorded"], facts["data"]
    rows = {
        "release": f"{facts['version']} of {facts['project']}  {' '.join(facts['aliases'])}",
        "made": facts["created"],
        "base": f"{facts['base_model']}  ({facts['base_identity'][:12]})",
        "commit": facts["commit"],
        "dataset": f"{facts['dataset_dvc']}  {_counts(data['splits']) if data else 'no longer in DVC’s cache'}",
        "recipes": _counts(data["recipes"]) if data else "",
        "languages": _counts(data["languages"]) if data else "",
        "index": f"{facts['index_version']}  by {facts['encoder']}, {facts['dimension']} dimensions",
        "adapter": facts["adapter"],
        "MLflow": f"run {recorded['run']}, experiment {recorded['experiment']}",
        "training": f"run {recorded['training_run']}" if recorded["training_run"] else "was not watched",
    }
    for name, value in rows.items():
        if value:
            typer.echo(f"{name:<10} {value}")
    for when, reason in recorded["reindexed"].items():
        typer.echo(f"{'reindexed':<10} {when[:8]}  {reason}")
    for event in facts["promotions"]:
        typer.echo(f"{'moved':<10} {format_move(event)}")
    _gates(facts["gates"])
    _metrics({arm: {name: [value] for name, value in some.items()} for arm, some in facts["metrics"].items()}, [""])
    if any(FIRST in some for some in facts["metrics"].values()):
        typer.echo(BITS_PER_BYTE)


def format_comparison(facts: Mapping[str, Any]) -> None:
    """A page of `compare`."""
    one, other = facts["releases"]
    names = [f"release {one['version']}", f"release {other['version']}"]
    typer.echo(f"{names[0]}  {one['created']}  {' '.join(one['aliases'])}")
    typer.echo(f"{names[1]}  {other['created']}  {' '.join(other['aliases'])}")
    _metrics(facts["metrics"], names)
    paired = facts["paired"]
    if paired["gain"]:
        words = figure(paired["gain"], "+.1%")
        both = format_count(paired["examples"], "example")
        typer.echo(f"On the {both} that both held out, {names[1]} saves {words} of the bits.")
    _data(facts["data"])
    _parameters(facts["parameters"])
    _code(facts["code"])
    for row in facts["generations"][:EXAMPLES]:
        _generation(row, names)


def format_cleared(done: Cleared) -> None:
    """What was deleted, and what waits in the trash."""
    if done.gone.names("") or not done.waiting.names(""):
        format_waste(done.gone, "deleted")
    if done.waiting.names(""):
        format_waste(
            done.waiting, f"in the trash until {done.until:%Y-%m-%d} or later; `nocturne gc --now` deletes it now"
        )


def format_waste(found: Waste, state: str) -> None:
    """Each item, and the sum with what becomes of it."""
    for number in found.releases:
        typer.echo(f"release {number}")
    for run in found.runs:
        typer.echo(f"run {run.run}  {run.name}  {_size(run.bytes)}")
    for version, size in found.indexes.items():
        typer.echo(f"index {version}  {_size(size)}")
    if found.objects.count:
        objects = format_count(found.objects.count, "object")
        typer.echo(f"{objects} of DVC's cache  {_size(found.objects.bytes)}")
    typer.echo(f"{_size(found.bytes)} {state}" if found.names("") else "Everything is needed; the trash is empty.")


def _gates(gates: Sequence[Mapping[str, Any]]) -> None:
    table = Table("gate", "verdict", "reason", "rule", title="Gates", title_justify="left")
    for gate in gates:
        verdict = f"[{COLOURS[verdict_word(gate)]}]{verdict_word(gate)}[/]"
        table.add_row(gate["name"], verdict, *(escape(str(gate[key])) for key in ("reason", "rule")))
    if gates:
        Console().print(table, highlight=False)


def _metrics(metrics: Mapping[str, Mapping[str, Sequence[Any]]], names: Sequence[str]) -> None:
    table = Table("", "figure", *names, title="Figures, with their intervals", title_justify="left")
    for arm, figures in metrics.items():
        for name, values in figures.items():
            if not any(value and value["value"] is not None for value in values):
                continue
            form = "+.1%" if arm == GAINS else ".3f"
            table.add_row(arm, name.replace("_", " "), *(figure(value, form) for value in values))
    if metrics:
        Console().print(table, highlight=False)


def _data(data: Mapping[str, Any] | None) -> None:
    if data is None:
        typer.echo("Data: DVC's cache no longer has both datasets.")
        return
    examples = data["examples"]
    added = format_count(examples["added"], "example")
    typer.echo(f"Data: {added} added, {examples['removed']:,} removed, {examples['same']:,} the same")
    for what in ("splits", "recipes", "languages"):
        changed = [f"{name} {one} → {other}" for name, (one, other) in data[what].items() if one != other]
        typer.echo(f"  {what}: {', '.join(changed) or 'the same counts'}")
    for what, paths in data["files"].items():
        if paths:
            typer.echo(f"  files {what}: {len(paths)}: {_some(paths)}")


def _parameters(parameters: Mapping[str, Sequence[Any]]) -> None:
    typer.echo("Parameters:" if parameters else "Parameters: the same")
    for key, (one, other) in parameters.items():
        typer.echo(f"  {key}: {one} → {other}")


def _code(code: Mapping[str, Any]) -> None:
    if "unknown" in code:
        typer.echo(f"Code: {code['from'][:7]} to {code['to'][:7]}: {code['unknown']}")
        return
    typer.echo(f"Code: {code['from'][:7]} to {code['to'][:7]}: {code['changed'] or 'no file changed'}")
    for what in ("added", "removed"):
        if code[what]["count"]:
            typer.echo(f"  {format_count(code[what]['count'], 'commit')} {what}:")
        for commit in code[what]["commits"][:NAMED]:
            typer.echo(f"    {commit}")


def _generation(row: Mapping[str, Any], names: Sequence[str]) -> None:
    typer.echo(f"\n{row['path']}:{row['start_line']}-{row['end_line']}  {row['task']}")
    _text("expected", row["expected"])
    for name, text in zip(names, row["generated"].get("adapter", []), strict=False):
        _text(name, text)


def _text(name: str, text: str) -> None:
    typer.echo(f"  {name}:")
    for part in text.strip("\n").splitlines() or ["(nothing)"]:
        typer.echo(f"    {part}")


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return ", ".join(paths[:NAMED]) + more


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MB"
