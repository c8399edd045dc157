"""A team's own test suites: whether each arm's answer to a request keeps to the patterns, and compiles where it must.

Pattern adherence is the share of cases that pass. A case stands for itself: intervals draw cases.
"""

import re
from collections.abc import Sequence
from typing import Any

from pipelines.config.schema import Evaluation, Params
from pipelines.errors import UsageError
from pipelines.evaluation.arms import ARMS, Meter, Model, arms_of
from pipelines.evaluation.bootstrap import Bootstrap
from pipelines.evaluation.retrieved_context import Question, add_passages, find_passages
from pipelines.evaluation.text_metrics import does_compile
from pipelines.lm.causal import CausalLM
from pipelines.lm.prompts import apply_chat_template
from pipelines.project import Project
from pipelines.records import read_json
from pipelines.records.evaluation import SuiteFigures, SuiteGroup, SuiteScore
from pipelines.records.snapshot import SuiteCase
from pipelines.syntax.languages import LANGUAGES, language_named
from pipelines.syntax.parser import is_valid

METRIC = "pattern_adherence"
FENCED = re.compile(r"```[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)


def measure_suites(
    project: Project, params: Params, model: CausalLM, asked: Model, arms: Sequence[str] | None = None
) -> list[SuiteScore]:
    """One record a case: its suite, and per arm the answer and whether it passed; none without suites.

    Args:
        asked: the model, or what stands for it; `model` gives the tokenizer.

    Raises:
        UsageError: what must compile is of a language that is not read here.
    """
    cases: list[SuiteCase] = read_json(project.path("snapshot", "suites.json"))
    for case in cases:
        _check(case)
    if not cases:
        return []
    config = params.evaluation
    arms = arms_of(model.adapted) if arms is None else arms
    examples = [_example(case, model.tokenizer) for case in cases]
    prompts = {False: [str(example["prompt"]) for example in examples]}
    if any(ARMS[arm][1] for arm in arms):
        passages = find_passages(project, params, examples)
        prompts[True] = add_passages(examples, passages, model.tokenizer, model.max_length, config)
    records = [_record(case) for case in cases]
    meter = Meter(len(arms) * len(cases))
    for arm in arms:
        adapted, shown = ARMS[arm][0] and model.adapted, ARMS[arm][1]
        texts = asked.generate(prompts[shown], config.max_new_tokens, adapted=adapted)
        for case, record, text in zip(cases, records, texts, strict=True):
            record["generated"][arm] = text
            record["metrics"][arm] = {METRIC: count_passed(case, text)}
        meter.advance(len(cases), f"{arm}: test suites")
    return records


def count_passed(case: SuiteCase, text: str) -> float:
    """1 when the answer has every expected pattern and no forbidden one, and compiles where it must; else 0."""
    wanted = all(re.search(pattern, text, re.MULTILINE) for pattern in case["expected_patterns"])
    unwanted = any(re.search(pattern, text, re.MULTILINE) for pattern in case["forbidden_patterns"])
    return float(wanted and not unwanted and (not case["must_compile"] or _compiles(text, case["language"])))


def summarise_suites(records: Sequence[SuiteScore], config: Evaluation) -> SuiteFigures:
    """Pattern adherence of each arm, over all cases and for each suite; {} without suites."""
    if not records:
        return {}
    files = sorted({record["suite"] for record in records})
    groups = {name: [one for one in records if one["suite"] == name] for name in files}
    return {**_figures(records, config), "by_suite": {name: _figures(group, config) for name, group in groups.items()}}


def _figures(records: Sequence[SuiteScore], config: Evaluation) -> SuiteGroup:
    draws = Bootstrap([one["path"] for one in records], config.bootstrap, config.confidence, config.seed)
    measured = [arm for arm in ARMS if arm in records[0]["metrics"]]
    arms = {arm: draws.mean([one["metrics"][arm][METRIC] for one in records]).record() for arm in measured}
    return {"cases": len(records), "arms": arms}


def _check(case: SuiteCase) -> None:
    known = [language.name for language in LANGUAGES]
    if case["must_compile"] and case["language"] not in known:
        raise UsageError(
            f"{case['path']}: the case `{case['name']}` is of language `{case['language']}`, which is not read here.",
            f"Name one of {', '.join(known)}, or leave out must_compile.",
        )


def _compiles(text: str, language: str) -> bool:
    fenced = FENCED.search(text)
    source = (fenced.group(1) if fenced else text).encode()
    if not source.strip():
        return False
    return bool(is_valid(source, language_named(language))) and (language != "python" or does_compile(source))


def _example(case: SuiteCase, tokenizer: Any) -> Question:
    prompt = apply_chat_template(tokenizer, case["prompt"])
    return {
        "task": "suite",
        "mode": "chat",
        "request": case["prompt"],
        "query": case["prompt"],
        "prompt": prompt,
        "completion": "",
        "path": case["path"],
    }


def _record(case: SuiteCase) -> SuiteScore:
    place = f"{case['path']}#{case['name']}"
    return {
        "example_id": place,
        "path": place,
        "start_line": 1,
        "suite": case["path"],
        "language": case["language"],
        "bits": {},
        "generated": {},
        "metrics": {},
    }
