"""An arm beside what a gate holds it against: by how much it is better, how sure that is, and by which examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.config.schema import Evaluation, Gate
from pipelines.evaluation.bootstrap import Bootstrap, Figure
from pipelines.evaluation.metric_specs import MEASURES, compute_figure, is_in, parts
from pipelines.records.evaluation import Measured

SHOWN = 3


@dataclass(frozen=True)
class Comparison:
    """What was found.

    Attributes:
        gain: by how much the arm is better, with its interval; below 0 it is worse. A share of the bits when bits per
            byte are compared with a model, else a difference in the metric's own unit.
        own: the arm's own value, when it is held against a number.
        examples, files: how many were compared.
        moved: the examples that made the most of the gain or the loss: example_id, place, and by how much each moved
            the gain; what all of them moved it by adds up to it.
    """

    gain: Figure
    own: Figure | None = None
    examples: int = 0
    files: int = 0
    moved: tuple[dict[str, Any], ...] = ()


def compare_with_model(
    gate: Gate, config: Evaluation, records: Sequence[Measured], others: Sequence[Measured], arm: str
) -> Comparison:
    """The gate's arm beside another model on the same examples, which is pairs of records.

    Args:
        others: the other model's record of each example, in the same order.
        arm: the other model's arm in `others`.
    """
    pairs = [
        (one, other)
        for one, other in zip(records, others, strict=True)
        if is_in(one, gate.metric, gate.arm) and is_in(other, gate.metric, arm)
    ]
    if not pairs:
        return Comparison(Figure())
    measure, kept = MEASURES[gate.metric], [one for one, _ in pairs]
    ours, below = zip(*(parts(one, gate.metric, gate.arm) for one in kept), strict=True)
    theirs = [parts(other, gate.metric, arm)[0] for _, other in pairs]
    draws = _draws(gate, config, kept)
    if measure.relative:
        gain, whole = draws.gain(ours, theirs), sum(theirs)
    else:
        better, worse = (ours, theirs) if measure.sign > 0 else (theirs, ours)
        gain, whole = draws.difference(better, worse, below), sum(below)
    moves = [measure.sign * (one - other) / whole for one, other in zip(ours, theirs, strict=True)]
    return Comparison(gain, None, len(kept), draws.files, _top_contributors(kept, moves))


def compare_with_former_index(gate: Gate, config: Evaluation, pairs: Sequence[tuple[Measured, Measured]]) -> Comparison:
    """Tonight's index beside the live one on the same questions; pairs of records, tonight's first.

    A question that both answer alike adds nothing to either side: where no rank moved, the interval is empty.
    """
    if not pairs:
        return Comparison(Figure())
    kept = [one for one, _ in pairs]
    moves = [parts(one, gate.metric, gate.arm)[0] - parts(other, gate.metric, gate.arm)[0] for one, other in pairs]
    draws = _draws(gate, config, kept)
    gain = draws.ratio(moves, [1.0] * len(moves))
    return Comparison(
        gain, None, len(kept), draws.files, _top_contributors(kept, [move / len(moves) for move in moves])
    )


def compare_with_number(gate: Gate, config: Evaluation, records: Sequence[Measured], number: float) -> Comparison:
    """The gate's arm beside a number in the metric's own unit."""
    kept = [record for record in records if is_in(record, gate.metric, gate.arm)]
    if not kept:
        return Comparison(Figure())
    sign = MEASURES[gate.metric].sign
    draws = _draws(gate, config, kept)
    own = compute_figure(draws, kept, gate.metric, gate.arm)
    found = [parts(record, gate.metric, gate.arm) for record in kept]
    whole = sum(below for _, below in found)
    moves = [sign * (above - number * below) / whole for above, below in found]
    return Comparison(_beyond(own, number, sign), own, len(kept), draws.files, _top_contributors(kept, moves))


def _beyond(own: Figure, number: float, sign: int) -> Figure:
    if own.value is None or own.low is None or own.high is None:
        return Figure()
    low, high = sorted((sign * (own.low - number), sign * (own.high - number)))
    return Figure(sign * (own.value - number), low, high)


def _draws(gate: Gate, config: Evaluation, records: Sequence[Measured]) -> Bootstrap:
    return Bootstrap([record["path"] for record in records], config.bootstrap, gate.confidence, config.seed)


def _top_contributors(records: Sequence[Measured], moves: Sequence[float]) -> tuple[dict[str, Any], ...]:
    most = sorted(zip(records, moves, strict=True), key=lambda one: (-abs(one[1]), one[0]["example_id"]))
    return tuple(
        {
            "example_id": record["example_id"],
            "place": f"{record['path']}:{record['start_line']}",
            "moved": round(move, 6),
        }
        for record, move in most[:SHOWN]
        if move
    )
