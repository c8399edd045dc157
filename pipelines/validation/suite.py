"""The quality suite, in Great Expectations: the mix, the lengths, the repeats, what was quarantined,
and the drift from the dataset that is live.

Severity is Great Expectations' own: `critical` fails the night, `warning` is shown and passes.
Everything is a mean of marks, a median or a maximum: Great Expectations 1.24 cannot render its set expectations when
they are not met (it logs a KeyError instead).
"""

from collections.abc import Iterable
from typing import Any

import great_expectations.expectations as gxe

from pipelines.config.schema import Params
from pipelines.validation.tables import LARGEST, LONGEST_LINE

SEVERITY = {"critical": "fail", "warning": "warn", "info": "note"}
EXAMPLES, DRAFTS, DRIFT = "examples", "drafts", "drift"

# Where a threshold is not the user's to set, it marks what would be odd rather than what is bad: a warning.
MEDIAN_COMPLETION = (20, 4000)
MAX_MINIFIED = 0.01
MAX_ECHOED = 0.05
MAX_RESPACED = 0.01
DRIFTED = {
    "language": "the mix of languages",
    "recipe": "the mix of recipes",
    "length": "the lengths of completions",
    "quality": "the quality",
    "left_out": "what is left out",
}


def make_expectations(params: Params, drifted: Iterable[str] = ()) -> dict[str, list[Any]]:
    """The expectations of each table, as Great Expectations' objects with a description in words.

    Args:
        drifted: what the table of drift knows; without it there is no such table.
    """
    most = params.validation.max_quarantined_share
    return {
        EXAMPLES: [*_mix(params), *_lengths(params), *_repeats(params)],
        DRAFTS: [_share("quarantined", 0, most, "warning", "Drafts that were quarantined")],
        **({DRIFT: _drift(params, drifted)} if drifted else {}),
    }


def _mix(params: Params) -> list[Any]:
    wanted, most = params.dataset.holdout, params.validation.max_task_share
    return [
        *(_recipe(recipe, most) for recipe in params.dataset.recipes.on()),
        _share("held_out", wanted / 2, min(1.0, wanted * 2), "warning", "Examples that are held out"),
        _share("foreign", 0, 0, "warning", "Held-out examples in a language that is not trained on"),
    ]


def _recipe(recipe: str, most: float) -> Any:
    return gxe.ExpectColumnMeanToBeBetween(
        column=f"is_{recipe}",
        min_value=0,
        strict_min=True,
        max_value=most,
        severity="warning",
        description=f"Examples of the recipe {recipe}: some, and at most {most:.1%}",
    )


def _lengths(params: Params) -> list[Any]:
    longest = params.dataset.max_example_tokens
    shortest, most = MEDIAN_COMPLETION
    return [
        gxe.ExpectColumnMaxToBeBetween(
            column="tokens",
            min_value=1,
            max_value=longest,
            severity="critical",
            description=f"No example has more than {longest} tokens (dataset.max_example_tokens)",
        ),
        gxe.ExpectColumnMedianToBeBetween(
            column="completion_chars",
            min_value=shortest,
            max_value=most,
            severity="warning",
            description=f"The median completion has {shortest} to {most} characters",
        ),
        _share("minified", 0, MAX_MINIFIED, "warning", f"Completions with a line of over {LONGEST_LINE} characters"),
    ]


def _repeats(params: Params) -> list[Any]:
    leaked = params.validation.max_contamination
    return [
        _share("contamination", 0, leaked, "critical", "Held-out completions that stand in training text"),
        _share("repeated", 0, params.validation.max_duplicate_share, "critical", "Examples that repeat an earlier one"),
        _share("respaced", 0, MAX_RESPACED, "warning", "Examples that repeat an earlier one but for white space"),
        _share("echoed", 0, MAX_ECHOED, "warning", "Examples whose completion stands in its prompt"),
    ]


def _drift(params: Params, drifted: Iterable[str]) -> list[Any]:
    warned, failed = params.validation.max_drift, params.validation.max_drift_fail
    named = {name: f"Distance of {DRIFTED[name]} from the live dataset's: at most {warned:g}" for name in drifted}
    last = f"No such distance is over {failed:g} (validation.max_drift_fail)"
    return [
        *(_distance(name, warned, "warning", words) for name, words in named.items()),
        _distance(LARGEST, failed, "critical", last),
    ]


def _distance(column: str, most: float, severity: str, words: str) -> Any:
    return gxe.ExpectColumnMaxToBeBetween(
        column=column, min_value=0, max_value=most, severity=severity, description=words
    )


def _share(column: str, least: float, most: float, severity: str, what: str) -> Any:
    between = f"at most {most:.1%}" if least == 0 else f"{least:.1%} to {most:.1%}"
    return gxe.ExpectColumnMeanToBeBetween(
        column=column,
        min_value=least,
        max_value=most,
        severity=severity,
        description=f"{what}: {between}",
    )
