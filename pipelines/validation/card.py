"""The dataset card: what a person wants to know of a dataset before trusting it, on one page, twice: HTML, Markdown."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.records import Record, write_atomic
from pipelines.validation.page import STYLE
from pipelines.wording import format_count

SHOWN = 3  # examples of each recipe
CHARS = 600  # of a text that is shown
BINS = 10
QUANTILES = {"least": 0.0, "median": 0.5, "90%": 0.9, "most": 1.0}
TEMPLATES = ("card.html", "card.md")
FOUND_BY = ("category", "kind", "action")  # what tells the rows of findings apart


@dataclass(frozen=True)
class Contents:
    """What a dataset consists of, and what is known of how it was made.

    Attributes:
        summary: `summary.json`: recipes and contamination.
        findings: what `cleaning` found in the files, of `findings.jsonl`.
        base: `base.json`: the base model whose tokens are counted.
    """

    train: list[Record]
    holdout: list[Record]
    preferences: list[Record]
    quarantined: list[Record]
    summary: Record
    findings: list[Record]
    base: Record


def write_card(folder: Path, project: str, dataset: str, contents: Contents) -> None:
    """Write `card.html` and `card.md`; identical input makes identical bytes, and the page loads nothing.

    Args:
        dataset: the dataset's fingerprint.
    """
    from jinja2 import Environment, FileSystemLoader

    shown = {"project": project, "dataset": dataset, "style": STYLE, **card_figures(contents)}
    for name in TEMPLATES:
        templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            autoescape=name.endswith("html"),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        templates.filters |= {"percent": "{:.1%}".format, "number": "{:,}".format, "count": format_count}
        templates.filters |= {"cell": _cell, "fenced": _fenced}
        write_atomic(folder / name, templates.get_template(f"{name}.jinja").render(shown).encode())


def card_figures(contents: Contents) -> Record:
    """What the card says: counts by split, recipe, language and licence; quality, lengths, findings, examples."""
    train, holdout, pairs = contents.train, contents.holdout, contents.preferences
    both = [*train, *holdout]
    splits = {"training": train, "holdout": holdout, "preferences": pairs}
    commits = {row["commit"] for row in (*both, *pairs)}
    return {
        "base": contents.base,
        "splits": {name: _split(rows) for name, rows in splits.items()},
        "commits": len({commit.removesuffix("-dirty") for commit in commits} - {"uncommitted"}),
        "edited": sum(row["commit"].endswith(("-dirty", "uncommitted")) for row in both),
        "recipes": contents.summary["recipes"],
        "total": len(both),
        "languages": _by(train, holdout, lambda row: row["language"]),
        "licenses": _by(train, holdout, lambda row: row["license"] or "none stated"),
        "quality": _quality(both),
        "quantiles": list(QUANTILES),
        "lengths": {
            "tokens of an example": _quantiles(row["tokens"] for row in both),
            "characters of a completion": _quantiles(len(row["completion"]) for row in both),
        },
        "contamination": contents.summary["contamination"],
        "rules": dict(Counter(str(row.get("rule")) for row in contents.quarantined).most_common()),
        "quarantined": len(contents.quarantined),
        "findings": _findings(contents.findings),
        "examples": _examples(train, pairs),
    }


def _split(rows: list[Record]) -> Record:
    return {
        "rows": len(rows),
        "files": len({row["path"] for row in rows}),
        "tokens": sum(row["tokens"] for row in rows),
    }


def _by(train: list[Record], holdout: list[Record], key: Callable[[Record], str]) -> dict[str, dict[str, int]]:
    """Value → how many rows of each split have it, the most frequent first."""
    trained, held = Counter(map(key, train)), Counter(map(key, holdout))
    values = sorted({*trained, *held}, key=lambda value: (-trained[value] - held[value], value))
    return {value: {"training": trained[value], "holdout": held[value]} for value in values}


def _quality(rows: list[Record]) -> Record:
    """The histogram over BINS equal bins, and the means of the whole, of each part and of each recipe."""
    bins = Counter(min(BINS - 1, int(row["quality"] * BINS)) for row in rows)
    parts, recipes = defaultdict(list), defaultdict(list)
    for row in rows:
        recipes[row["task"]].append(row["quality"])
        for name, value in row["quality_parts"].items():
            parts[name].append(value)
    return {
        "bins": [bins[number] for number in range(BINS)],
        "mean": _mean([row["quality"] for row in rows]),
        "parts": {name: {"mean": _mean(values), "examples": len(values)} for name, values in sorted(parts.items())},
        "recipes": {name: _mean(values) for name, values in recipes.items()},
    }


def _mean(values: list[float]) -> float:
    return sum(values) / max(1, len(values))


def _quantiles(values: Iterable[int]) -> dict[str, int]:
    found = sorted(values)
    return {name: found[round(share * (len(found) - 1))] for name, share in QUANTILES.items()}


def _findings(findings: list[Record]) -> list[Record]:
    """For each `category`, `kind` and `action` (what was done) how many `findings` there are, in how many `files`."""
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for one in findings:
        found[tuple(one[key] for key in FOUND_BY)].append(one["path"])
    return [
        {**dict(zip(FOUND_BY, key, strict=True)), "findings": len(paths), "files": len(set(paths))}
        for key, paths in sorted(found.items())
    ]


def _examples(train: list[Record], pairs: list[Record]) -> dict[str, list[Record]]:
    """Of each recipe a few that its identity draws, so that the same dataset shows the same."""
    drawn: dict[str, list[Record]] = defaultdict(list)
    for row in sorted((*train, *pairs), key=lambda row: (row["task"], row["example_id"])):
        if len(drawn[row["task"]]) < SHOWN:
            drawn[row["task"]].append(_example(row))
    return dict(drawn)


def _example(row: Record) -> Record:
    answers = ("completion",) if "completion" in row else ("rejected", "chosen")
    texts = {"prompt": row["request"] if row.get("request") else row["prompt"], **{name: row[name] for name in answers}}
    place = f"{row['path']}:{row['start_line']}"
    return {
        "place": place,
        "quality": row.get("quality"),
        "texts": {name: _short(text) for name, text in texts.items()},
    }


def _short(text: str) -> str:
    """Beginning and end: a question ends with what is asked, a prefix with what goes before the gap."""
    return text if len(text) <= CHARS else f"{text[: CHARS // 2]}\n[…]\n{text[-CHARS // 2 :]}"


def _cell(text: Any) -> str:
    """A value in a table of Markdown."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def _fenced(text: str) -> str:
    """A block of Markdown that the text cannot end."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
