"""The gates: the candidate is better than the base model, and not worse than the champion. Ties never pass.

Better: the gain over the base model reaches `min_gain`, and its interval lies above zero, so that it is not luck.
Not worse: the whole interval of the gain over the champion lies above `-champion_margin`. The interval and not the
estimate decides, because absence of a shown loss is not evidence of none: an estimate alone lets an adapter through
that is worse by the margin every second time (non-inferiority testing; Piaggio et al. 2012, JAMA 308:2594). A small
holdout therefore refuses more often, which is the safe side.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.evaluation.statistics import Bootstrap, Figure
from pipelines.params import Evaluation, Gates
from pipelines.records import Record

BASE, CHAMPION = "adapter against base", "adapter against champion"


@dataclass(frozen=True)
class Gate:
    """One rule and what came of it.

    Attributes:
        value, low, high: the gain that was judged and its interval; 0.1 is 10% fewer bits. None when not measured.
        rule: in words, with its numbers.
        reason: why it passed, failed or was skipped.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    rule: str
    passed: bool
    reason: str


@dataclass(frozen=True)
class Verdict:
    """All gates, and whether every one passed."""

    passed: bool
    gates: list[Gate]

    def rows(self) -> list[dict[str, Any]]:
        """Plain values, one dict a gate, for a table or JSON."""
        return [asdict(gate) for gate in self.gates]

    @property
    def failed(self) -> list[Gate]:
        """The gates that did not pass."""
        return [gate for gate in self.gates if not gate.passed]


def decide(
    evaluation: Record,
    scores: Sequence[Record],
    champion_bits: Sequence[float] | None,
    gates: Gates,
    config: Evaluation,
    skipped: str = "there is no champion yet",
) -> Verdict:
    """Judge a candidate.

    Args:
        evaluation: the content of `evaluation.json`.
        scores: of `scores.jsonl`, the records that the champion may be compared on: it never saw their files.
        champion_bits: the champion's bits on these, in their order (`score_adapter`), or None when there is nothing
            to compare.
        skipped: then, why.

    Raises:
        ValueError: the champion was not measured on the same examples.
    """
    judged = [_against_base(evaluation, gates)]
    if champion_bits is None:
        judged.append(_gate(CHAMPION, Figure(), _champion_rule(gates), True, f"skipped: {skipped}"))
    else:
        judged.append(_against_champion(scores, champion_bits, gates, config))
    return Verdict(all(gate.passed for gate in judged), judged)


def _against_base(evaluation: Record, gates: Gates) -> Gate:
    gain = Figure(**evaluation["gains"]["adapter_vs_base"])
    rule = f"gain of at least {gates.min_gain:.1%}, with the interval's lower end above 0"
    if gain.value is None or gain.low is None:
        return _gate(BASE, gain, rule, False, "nothing was measured")
    if gain.low <= 0:
        reason = f"a gain is not shown: {_words(gain)}"
    elif gain.value < gates.min_gain:
        reason = f"the gain is {gates.min_gain - gain.value:.2%} short: {_words(gain)}"
    else:
        return _gate(BASE, gain, rule, True, _words(gain))
    return _gate(BASE, gain, rule, False, reason)


def _champion_rule(gates: Gates) -> str:
    return f"the whole interval of the gain above {-gates.champion_margin:.1%}"


def _against_champion(
    scores: Sequence[Record], champion_bits: Sequence[float], gates: Gates, config: Evaluation
) -> Gate:
    name, rule = CHAMPION, _champion_rule(gates)
    if len(champion_bits) != len(scores):
        raise ValueError(f"{len(champion_bits)} champion bits for {len(scores)} examples")
    draws = Bootstrap([score["path"] for score in scores], config.bootstrap, config.confidence, config.seed)
    gain = draws.gain([score["bits"]["adapter"] for score in scores], champion_bits)
    if gain.value is None or gain.low is None:
        return _gate(name, gain, rule, False, "nothing was measured")
    if gain.low > -gates.champion_margin:
        return _gate(name, gain, rule, True, _words(gain))
    shown = "it is worse" if gain.value < -gates.champion_margin else "it may be worse"
    return _gate(name, gain, rule, False, f"{shown} by more than {gates.champion_margin:.1%}: {_words(gain)}")


def _gate(name: str, gain: Figure, rule: str, passed: bool, reason: str) -> Gate:
    figures = gain.record()
    return Gate(name, figures["value"], figures["low"], figures["high"], rule, passed, reason)


def _words(gain: Figure) -> str:
    return f"{gain.value:+.2%} ({gain.low:+.2%} to {gain.high:+.2%})"
