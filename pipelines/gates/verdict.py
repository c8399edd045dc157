"""The verdict: every gate of params.yaml, what came of it, and whether the candidate may go live."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.config.schema import Evaluation, Gate
from pipelines.evaluation.bootstrap import Figure
from pipelines.gates.comparison import Comparison, compare_with_model, compare_with_number
from pipelines.gates.index_gates import INDEX, Retrieval
from pipelines.gates.index_gates import judge_index as judge_index
from pipelines.gates.rules import describe_rule, describe_ruling
from pipelines.records.evaluation import Measured

SKIPPED = "skipped"
LEARNED = ("forgetting", "memorisation")  # what there is only of something that was learned


@dataclass(frozen=True)
class Judged:
    """One gate and what came of it.

    Attributes:
        against: base, champion, or the number.
        margin: as params.yaml has it.
        value, low, high: what was judged, and its interval: the gain over a model (0.1 is 10% fewer bits, or 10 points
            of a share), or the metric's own value beside a number. None when not measured.
        rule: in words, with its numbers.
        reason: why it passed, failed or was skipped.
        moved: the examples that moved the gain most: example_id, place, and by how much.
    """

    name: str
    metric: str
    arm: str
    against: str | float
    margin: float
    severity: str
    value: float | None
    low: float | None
    high: float | None
    rule: str
    passed: bool
    reason: str
    moved: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Verdict:
    """All gates, in the order of params.yaml."""

    gates: list[Judged]

    @property
    def passed(self) -> bool:
        """Whether the candidate may go live: every gate that blocks passed."""
        return not self.failed

    @property
    def failed(self) -> list[Judged]:
        """The gates that did not pass and block."""
        return [gate for gate in self.gates if not gate.passed and gate.severity == "block"]

    @property
    def warned(self) -> list[Judged]:
        """The gates that did not pass and only warn."""
        return [gate for gate in self.gates if not gate.passed and gate.severity == "warn"]

    def counts(self) -> dict[str, int | float | str]:
        """How many gates passed, failed, warned, and were skipped because there was nothing to judge them by."""
        words = [verdict_word(row) for row in self.rows()]
        kinds = {"passed": "passed", "failed": "REFUSED", "warned": "warned", "skipped": "skipped"}
        return {name: words.count(kind) for name, kind in kinds.items()}

    def rows(self) -> list[dict[str, Any]]:
        """Plain values, one dict a gate, for a table or JSON."""
        return [{**asdict(gate), "moved": list(gate.moved)} for gate in self.gates]


def verdict_word(row: Mapping[str, Any]) -> str:
    """What came of a gate, in a word: `passed`, `REFUSED`, `warned`, or `skipped` where there was nothing to judge."""
    if row["passed"]:
        return "skipped" if row["reason"].startswith(SKIPPED) else "passed"
    return "REFUSED" if row["severity"] == "block" else "warned"


def top_moves(row: Mapping[str, Any]) -> list[str]:
    """The examples that moved a gate most, a line each; none for a row of a release, whose tags are short."""
    return [f"{one['moved']:+.4f} by {one['place']} ({one['example_id']})" for one in row.get("moved", [])]


def decide(
    scores: Sequence[Measured],
    champion: Mapping[str, Measured] | None,
    gates: Sequence[Gate],
    config: Evaluation,
    skipped: str = "there is no champion yet",
    retrieval: Retrieval | None = None,
) -> Verdict:
    """Judge a candidate: its adapter, and its index.

    Args:
        scores: the records of `scores.jsonl`.
        champion: by example_id, the champion's records of those it may be compared on, because it never saw their
            files; None when there is nothing to compare.
        skipped: then, why; gates against the champion pass.
        retrieval: what the gates of arm `index` are judged by.

    Raises:
        ValueError: the champion was measured on other examples.
    """
    unknown = sorted(set(champion or ()) - {score["example_id"] for score in scores})
    if unknown:
        raise ValueError(f"the champion has {len(unknown)} examples that are not tonight's, such as {unknown[0]}")
    asked = retrieval or Retrieval([], None, "nothing was asked of the index")
    return Verdict(
        [
            _row(gate, *judge_index(gate, config, asked))
            if gate.arm == INDEX
            else _judge(gate, scores, champion, config, skipped)
            for gate in gates
        ]
    )


def _judge(
    gate: Gate, scores: Sequence[Measured], champion: Mapping[str, Measured] | None, config: Evaluation, skipped: str
) -> Judged:
    if gate.against == "champion" and champion is None:
        return _row(gate, Comparison(Figure()), True, f"{SKIPPED}: {skipped}")
    if _judge_untrained(scores) and (gate.against == "base" or gate.metric in LEARNED):
        return _row(gate, Comparison(Figure()), True, f"{SKIPPED}: nothing was trained, so there is nothing to show")
    found = _compare(gate, scores, champion or {}, config)
    return _row(gate, found, *describe_ruling(gate, found))


def _judge_untrained(scores: Sequence[Measured]) -> bool:
    """Whether the candidate is the base model as it is, which then answers for the adapter."""
    return any("base" in score["bits"] and "adapter" not in score["bits"] for score in scores)


def _compare(
    gate: Gate, scores: Sequence[Measured], champion: Mapping[str, Measured], config: Evaluation
) -> Comparison:
    bare = gate.arm.replace("adapter", "base")
    own = gate.model_copy(update={"arm": bare}) if _judge_untrained(scores) else gate
    if gate.against == "champion":
        common = [score for score in scores if score["example_id"] in champion]
        return compare_with_model(own, config, common, [champion[score["example_id"]] for score in common], gate.arm)
    if gate.against == "base":
        return compare_with_model(own, config, scores, scores, bare)
    return compare_with_number(own, config, scores, float(gate.against))


def _row(gate: Gate, found: Comparison, passed: bool, reason: str) -> Judged:
    figures = (found.own or found.gain).record()
    said = (gate.name, gate.metric, gate.arm, gate.against, gate.margin, gate.severity)
    return Judged(
        *said, figures["value"], figures["low"], figures["high"], describe_rule(gate), passed, reason, found.moved
    )
