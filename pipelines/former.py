"""What earlier versions wrote into the settings, as it is written today."""

from typing import Any

from pipelines.modes import today
from pipelines.records import Record

BASE = ("min_gain", "better than the base", "base")
CHAMPION = ("champion_margin", "not worse than the champion", "champion")
CONFIDENCE = 0.95  # what both rules were held to where `evaluation` does not say


def has_former_gates(values: Any) -> bool:
    """Whether `gates` is the mapping of two margins that it was before it became a list of rules."""
    gates = values.get("gates") if isinstance(values, dict) else None
    return isinstance(gates, dict) and BASE[0] in gates and gates.keys() <= {BASE[0], CHAMPION[0]}


def has_former_mode(values: Any) -> bool:
    """Whether `training.mode` is a training type of the systems before this one."""
    training = values.get("training") if isinstance(values, dict) else None
    mode = training.get("mode") if isinstance(training, dict) else None
    return bool(today(mode) != mode)


def modernise(values: Any) -> list[Record]:
    """Change a document of ruamel's in place, comments included; returns each change as setting, from and to."""
    changes: list[Record] = []
    if has_former_mode(values):
        training = values["training"]
        former = training["mode"]
        training["mode"] = today(former)
        changes.append({"setting": "training.mode", "from": former, "to": training["mode"]})
    if has_former_gates(values):
        said = {key: float(value) for key, value in values["gates"].items()}
        values["gates"] = _rules(values["gates"], values.get("evaluation") or {})
        changes.append({"setting": "gates", "from": said, "to": [dict(rule) for rule in values["gates"]]})
    return changes


def _rules(gates: Any, evaluation: Any) -> Any:
    """A rule for each margin, with the comments that stood before and after it."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    rules = CommentedSeq()
    rules.ca.comment = gates.ca.comment
    for key, name, against in (BASE, CHAMPION):
        if key not in gates:
            continue
        rule = CommentedMap(name=name, metric="bits_per_byte", arm="adapter", against=against, margin=gates[key])
        rule |= {"confidence": evaluation.get("confidence", CONFIDENCE), "severity": "block"}
        rule.fa.set_flow_style()
        rules.append(rule)
        if key in gates.ca.items:
            before, _, after, _ = (*gates.ca.items[key], None, None, None, None)[:4]
            rules.ca.items[len(rules) - 1] = [after, before, None, None]
    return rules
