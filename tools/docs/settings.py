"""params.yaml with its comments, and docs/settings.md: values from shipped.yaml, words from the schema."""

import inspect
import math
import re
import textwrap
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from pipelines.config.layers import shipped_values
from pipelines.config.schema import Params, Section

WIDTH = 120
HEAD = """\
Every setting, as shipped; docs/settings.md explains each one. Write your own values into params.local.yaml beside this
file, with the same sections and keys: they are laid over these, and `git pull` never conflicts with them. An edit here
counts too, until `nocturne migrate` moves it.
An unknown key is an error; a missing one gets its shipped value. DVC tracks each section by stage: after a change,
`dvc repro` runs the stages that depend on it, and no others.
The comments are generated from pipelines/config/schema/ by `make generate`.
"""
PAGE = """\
# Settings

<!-- Generated from pipelines/config/schema/ by `make generate`; edit the descriptions there. -->

`params.yaml` holds every setting as shipped. Write your own values into `params.local.yaml` beside it, with the same
sections and keys. What most people change is on [Configuration](configuration.md).

```yaml
training:
  base_model: Qwen/Qwen2.5-Coder-1.5B-Instruct
  learning_rate: 0.0002
projects:
  nocturne: null # removes the shipped project
```

- It is laid over `params.yaml` key by key. A list or a single value replaces the shipped one.
- An unknown key or a wrong type is an error. It names the file, the key and the rule.
- A missing key gets its shipped value, and commands say so. `nocturne migrate` writes it.
- git ignores the file, so `git pull` never conflicts with it. `nocturne add`, `forget` and `index move` write to it.
- An edit of `params.yaml` counts too. `nocturne migrate` moves it to `params.local.yaml`.

The environment variables `MLFLOW_TRACKING_URI`, `PREFECT_API_URL`, `HF_HOME` and `QDRANT_API_KEY` keep the meaning that
their tools give them. `NOCTURNE_HOME` names the workspace.
"""


def write_params() -> str:
    """params.yaml: the values of shipped.yaml in the order of the schema, each with its comment.

    Raises:
        ValueError: shipped.yaml lacks a key of the schema, or has one that the schema lacks.
    """
    lines = [f"# {line}" for line in HEAD.splitlines()]
    for name, values in _match(Params, shipped_values()):
        field = Params.model_fields[name]
        section = _section_of(field)
        lines += ["", _with_comment(f"{name}:", _first_sentence(_describe(field)))]
        if section is None or get_origin(field.annotation) is dict:
            lines += _dump_block(values)
        elif get_origin(field.annotation) is list:
            lines += [*_comment_fields(section), *_dump_items(values)]
        else:
            lines += _write_section(section, values, "  ")
    return "\n".join(lines) + "\n"


def write_page() -> str:
    """docs/settings.md: a section for each section, with a table of its keys."""
    parts = [PAGE]
    for name, values in _match(Params, shipped_values()):
        field = Params.model_fields[name]
        parts.append(f"## {name}\n\n{_describe(field)}\n")
        section = _section_of(field)
        if section is not None:
            is_one = get_origin(field.annotation) is None
            parts.append(_table(section, values if is_one else None))
            parts += _subsections(section, name, values if is_one else {})
        if name == "gates":
            parts.append("As shipped:\n\n```yaml\ngates:\n" + "\n".join(_dump_items(values)) + "\n```\n")
    return "\n".join(parts)


def _subsections(section: type[Section], before: str, values: Any) -> Iterator[str]:
    for name, field in section.model_fields.items():
        inner = _section_of(field)
        if inner is not None:
            yield f"### {before}.{name}\n\n{_describe(field)}\n"
            yield _table(inner, values[name])


def _match(section: type[Section], values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values of a section in the order of its fields."""
    if odd := section.model_fields.keys() ^ values.keys():
        raise ValueError(f"{section.__name__} and shipped.yaml differ in {', '.join(sorted(odd))}; add them to both")
    return ((name, values[name]) for name in section.model_fields)


def _write_section(section: type[Section], values: dict[str, Any], indent: str) -> Iterator[str]:
    for name, value in _match(section, values):
        field = section.model_fields[name]
        comment = _first_sentence(_describe(field))
        inner = _section_of(field)
        if inner is not None:
            yield _with_comment(f"{indent}{name}:", comment)
            yield from _write_section(inner, value, indent + "  ")
        else:
            yield _with_comment(f"{indent}{name}: {_dump(value)}", comment)


def _comment_fields(section: type[Section]) -> Iterator[str]:
    """What each key of a list's items means: such a list has no line of its own for them."""
    for name, field in section.model_fields.items():
        yield from textwrap.wrap(
            f"{name}: {_describe(field)}",
            WIDTH,
            initial_indent="  # ",
            subsequent_indent="  #   ",
            break_on_hyphens=False,
        )


def _with_comment(line: str, comment: str) -> str:
    return f"{line} # {comment}"


def _dump(value: Any, flow: bool = True) -> str:
    """A value as YAML: with `flow` in one line, as after a key."""
    text = yaml.safe_dump(value, default_flow_style=flow, sort_keys=False, allow_unicode=True, width=math.inf)
    return text.removesuffix("\n").removesuffix("\n...")


def _dump_block(value: Any) -> list[str]:
    return [f"  {line}" for line in _dump(value, flow=False).splitlines()]


def _dump_items(values: list[Any]) -> list[str]:
    return [f"  - {_dump(value)}" for value in values]


def _section_of(field: FieldInfo) -> type[Section] | None:
    """The section that a field holds, alone, in a list or by name."""
    for one in (field.annotation, *get_args(field.annotation)):
        if inspect.isclass(one) and issubclass(one, Section):
            return one
    return None


def _describe(field: FieldInfo) -> str:
    """A field's description; of a section, its docstring as one paragraph."""
    section = field.annotation
    if field.description:
        return field.description
    if inspect.isclass(section) and issubclass(section, Section):
        return " ".join((inspect.getdoc(section) or "").split())
    raise ValueError(f"A field of type {section} lacks a description; add one to pipelines/config/schema/")


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0].removesuffix(".")


def _table(section: type[Section], values: dict[str, Any] | None) -> str:
    """The keys of a section; with `values` None, of the items of a list or a mapping, which have none as shipped."""
    rows = ["| key | shipped | type | meaning |", "| --- | --- | --- | --- |"]
    for name, rule in section.model_json_schema()["properties"].items():
        if "$ref" in rule:
            continue
        shipped = "" if values is None else f"`{_dump(values[name])}`"
        cells = (f"`{name}`", shipped, _type(rule), rule["description"])
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows) + "\n"


def _type(rule: dict[str, Any]) -> str:
    """A JSON schema in words: `whole number, 1 or more`."""
    if "anyOf" in rule:
        return ", or ".join(_type(one) for one in rule["anyOf"])
    if "enum" in rule:
        return ", ".join(f"`{one}`" for one in rule["enum"])
    if "const" in rule:
        return f"`{rule['const']}`"
    if rule["type"] == "array":
        return "list of texts"
    words = {"integer": "whole number", "number": "number", "boolean": "`true`, `false`", "string": "text"}
    return words[rule["type"]] + _range(rule)


def _range(rule: dict[str, Any]) -> str:
    low, high = rule.get("minimum"), rule.get("maximum")
    above, below = rule.get("exclusiveMinimum"), rule.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f", {low:g} to {high:g}"
    ends = [
        f"{low:g} or more" if low is not None else "",
        f"above {above:g}" if above is not None else "",
        f"below {below:g}" if below is not None else "",
        "may not be empty" if rule.get("minLength") else "",
    ]
    said = [end for end in ends if end]
    return f", {', '.join(said)}" if said else ""
