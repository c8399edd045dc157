"""When a gate passes. Ties never do.

Better than the base model, or than a number (superiority): the gain reaches the margin, and the whole interval lies
above zero, so that it is not luck.

Not worse than the champion (non-inferiority): the whole interval of the gain lies above minus the margin. The interval
and not the estimate decides, because absence of a shown loss is not evidence of none: an estimate alone lets an adapter
through that is worse by the margin every second time (Piaggio et al. 2012, JAMA 308:2594). A small holdout therefore
refuses more often, which is the safe side.

Few files show nothing, however clear their figures are: of n files without any true difference all n agree, one way, by
chance once in 2**n. No interval can tell that from a gain (measured: three files passed 13% of 200 trials at 95%, where
`benchmarks/gates/error_rates.py` allows 5%), so a gate wants 2**-n to be at most 1 - confidence: five files at 95%.
"""

from pipelines.config.schema import Gate
from pipelines.evaluation.metric_specs import MEASURES
from pipelines.gates.comparison import Comparison
from pipelines.wording import format_count


def describe_rule(gate: Gate) -> str:
    """The rule in words, with its numbers."""
    title = MEASURES[gate.metric].title
    of = f"{title} of the index" if gate.arm == "index" else f"{title.lower()} of {gate.arm}"
    sure = f"{gate.confidence:.0%} interval"
    if gate.arm == "index" and gate.against == "champion":
        loss = f"a loss of more than {_amount(gate, gate.margin)} against the live one"
        return f"{of}: refused by {loss} whose whole {sure} is below 0"
    if gate.against == "champion":
        return f"{of}: the whole {sure} of the gain over the champion above -{_amount(gate, gate.margin)}"
    if gate.against == "base":
        return f"{of}: at least {_amount(gate, gate.margin)} better than base, with the whole {sure} above 0"
    number = _own(gate, float(gate.against))
    beyond = f"at least {_amount(gate, gate.margin)} better than {number}, with " if gate.margin else ""
    return f"{of}: {beyond}the whole {sure} better than {number}"


def describe_ruling(gate: Gate, found: Comparison) -> tuple[bool, str]:
    """Whether the gate passes, and why."""
    gain = found.gain
    if gain.value is None or gain.low is None:
        return False, "nothing was measured"
    said = format_value(gate, found)
    if 0.5**found.files > 1 - gate.confidence:
        return False, f"too few files to show anything at {gate.confidence:.0%}: {said}"
    if gate.against == "champion":
        if gain.low > -gate.margin:
            return True, said
        shown = "it is worse" if gain.value < -gate.margin else "it may be worse"
        return False, f"{shown} by more than {_amount(gate, gate.margin)}: {said}"
    if gain.low <= 0:
        shown = "a gain" if gate.against == "base" else "that it is better"
        return False, f"{shown} is not shown: {said}"
    if gain.value < gate.margin:
        return False, f"the gain is {_amount(gate, gate.margin - gain.value, 2)} short: {said}"
    return True, said


def format_value(gate: Gate, found: Comparison) -> str:
    """What was found: the figure, its interval, and of how much."""
    asked = format_count(found.examples, "question" if gate.arm == "index" else "example")
    of = f"{asked} of {format_count(found.files, 'file')}"
    if found.own is not None:
        figure, write = found.own, _own
    else:
        figure, write = found.gain, _signed
    return f"{write(gate, figure.value)} ({write(gate, figure.low)} to {write(gate, figure.high)}), {of}"


def _signed(gate: Gate, value: float | None) -> str:
    number = value or 0.0
    return f"{'-' if number < 0 else '+'}{_amount(gate, abs(number), 2)}"


def _amount(gate: Gate, value: float, digits: int = 1) -> str:
    """A gain or a margin: percent of the bits, points of a share, or the metric's own unit."""
    measure = MEASURES[gate.metric]
    if measure.relative and isinstance(gate.against, str):
        return f"{value:.{digits}%}"
    return f"{value * 100:.{digits}f} points" if measure.scale == 100 else measure.form.format(value)


def _own(gate: Gate, value: float | None) -> str:
    measure = MEASURES[gate.metric]
    percent = "%" if measure.scale == 100 else ""
    return measure.form.format((value or 0.0) * measure.scale) + percent
