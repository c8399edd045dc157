"""Whether a new index finds as much as the live one: gates of arm `index`.

An index is refused when it is shown to find less: the loss is more than the margin, and its whole interval is below
zero. That is another question than whether an adapter is better, and the other way round: an index that is refused
leaves yesterday's text in every search, and one rank that moved by chance is no reason for that. Where nothing can be
asked the gate passes and says so; so it does with one question, of which no interval can be drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.config.schema import Evaluation, Gate
from pipelines.gates.comparison import Comparison, compare_with_former_index, compare_with_number
from pipelines.gates.rules import describe_ruling, format_value
from pipelines.records.evaluation import Measured, RetrievalScore

INDEX = "index"


@dataclass(frozen=True)
class Retrieval:
    """What two indexes find of the same project, at different commits.

    Attributes:
        tonight: the records of `evaluation/retrieval.jsonl`.
        live: those of the live release; None when there is nothing to compare with.
        skipped: then, why.
    """

    tonight: Sequence[RetrievalScore]
    live: Sequence[RetrievalScore] | None
    skipped: str = ""

    def pairs(self) -> list[tuple[RetrievalScore, RetrievalScore]]:
        """The records of the questions that both were asked, tonight's first."""
        known = {_question(record): record for record in self.live or ()}
        return [(record, known[_question(record)]) for record in self.tonight if _question(record) in known]


def judge_index(gate: Gate, config: Evaluation, found: Retrieval) -> tuple[Comparison, bool, str]:
    """What a gate of arm `index` found, whether it passes, and why."""
    if gate.against != "champion":
        compared = compare_with_number(gate, config, [_named(record) for record in found.tonight], float(gate.against))
        return compared, *describe_ruling(gate, compared)
    pairs = found.pairs()
    compared = compare_with_former_index(gate, config, [(_named(one), _named(other)) for one, other in pairs])
    if compared.gain.value is None or compared.gain.low is None:
        reason = found.skipped or "no question is the same as when the live index was measured"
        return compared, True, f"skipped: {reason}"
    said = format_value(gate, compared)
    if compared.examples < 2:
        return compared, True, f"one question shows nothing: {said}"
    is_worse = compared.gain.value < -gate.margin and (compared.gain.high or 0.0) < 0
    return compared, not is_worse, f"it finds less: {said}" if is_worse else said


def _question(record: RetrievalScore) -> tuple[str, str, str]:
    return record["path"], record["qualified_name"], record["question"]


def _named(record: RetrievalScore) -> Measured:
    """With the name that examples have."""
    return {**record, "example_id": record["symbol_id"]}
