"""The files that hold what a user sets: params.yaml, and params.local.yaml, which is laid over it and never shipped."""

import io
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pipelines.errors import UsageError
from pipelines.records import write_atomic

PARAMS = "params.yaml"
LOCAL = "params.local.yaml"
SHIPPED = Path(__file__).with_name("shipped.yaml")  # params.yaml as this version ships it; a test compares them
HEADER = f"""\
# What this clone sets, laid over {PARAMS} key by key: a list or a single value replaces what stands there, and
# `null` removes a project. `nocturne add`, `forget` and `index move` write here. git ignores this file.
"""

Values = dict[str, Any]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML's safe loader, with an error for a key that is written twice; PyYAML takes the last one silently."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key `{key.value}` is written twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def settings_files(workspace: Path) -> list[Path]:
    """The files whose change changes a value; the second one need not exist."""
    return [workspace / PARAMS, workspace / LOCAL]


@cache
def shipped_values() -> Values:
    """The values of params.yaml as this version ships it. Shared: not to be changed."""
    return read(SHIPPED)


def read(file: Path) -> Values:
    """The mapping in a YAML file; of a file with comments only, an empty one.

    Raises:
        UsageError: the file is missing, empty, not UTF-8, not YAML, no mapping, or has a key twice.
    """
    try:
        text = file.read_bytes().decode()
        values = yaml.load(text, _Loader)  # noqa: S506 - it is a safe loader
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{file.name} is not UTF-8 text: byte {error.object[error.start]:#04x} at position {error.start}.",
            f"Save {file} as UTF-8.",
        ) from None
    except OSError as error:
        raise UsageError(
            f"{file.name} cannot be read: {error.strerror}.", f"Restore {file}, or get the right to read it."
        ) from None
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split()).replace('in "<unicode string>", ', "in ")
        raise UsageError(f"{file.name} cannot be read as YAML: {reason}.", f"Correct {file} at that line.") from None
    if not text.strip():
        raise UsageError(f"{file.name} is empty.", _remedy(file))
    if values is None and file.name == LOCAL:
        return {}
    if not isinstance(values, dict):
        found = "comments only" if values is None else f"a {type(values).__name__}"
        raise UsageError(
            f"{file.name} holds {found}; it must be a mapping of sections, such as search, to keys.", _remedy(file)
        )
    return values


def _remedy(file: Path) -> str:
    if file.name == LOCAL:
        return f"Delete {file}, or write a setting into it, such as `search: {{min_score: 0.2}}`."
    return f"Restore it: `git checkout {file.name}` in {file.parent}."


def read_layers(workspace: Path) -> tuple[Values, Values]:
    """What params.yaml says, and what params.local.yaml does; nothing, where there is none.

    Raises:
        UsageError: as `read`.
    """
    edited, local = settings_files(workspace)
    return read(edited), read(local) if local.exists() else {}


def merge(edited: Values, local: Values) -> tuple[Values, list[str]]:
    """The values that count, and the keys that neither file has, dotted: there the shipped ones count."""
    values = _lay_over(edited, {key: value for key, value in local.items() if key != "projects"})
    if "projects" in edited or local.get("projects") is not None:
        values["projects"] = _projects(edited.get("projects", shipped_values()["projects"]), local.get("projects"))
    return _fill(values, shipped_values())


def _lay_over(base: Values, over: Values) -> Values:
    values = dict(base)
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            values[key] = _lay_over(below, value)
        elif value is not None or not isinstance(below, dict):  # a section without keys says nothing
            values[key] = value
    return values


def _projects(base: Any, over: Any) -> Any:
    """By name; null removes one. Those with a source in params.local.yaml follow the others, in the order written."""
    if over is None:
        return base
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    own = [name for name, value in over.items() if isinstance(value, dict) and "source" in value]
    both = _lay_over(base, over)
    first = [name for name in both if name not in own]
    return {name: both[name] for name in (*first, *own) if name not in over or over[name] is not None}


def _fill(values: Values, complete: Values, before: str = "") -> tuple[Values, list[str]]:
    """With what is missing taken from `complete`; which projects there are is not."""
    filled, missing = dict(values), []
    for key, value in complete.items():
        if key not in values:
            filled[key] = value
            missing.append(f"{before}{key}")
        elif isinstance(value, dict) and isinstance(values[key], dict) and f"{before}{key}" != "projects":
            filled[key], deeper = _fill(values[key], value, f"{before}{key}.")
            missing += deeper
    return filled, missing


def value_at(values: Any, path: str) -> Any:
    """The value at a dotted path.

    Raises:
        KeyError: there is none.
    """
    for key in path.split("."):
        values = values[key]
    return values


def override(workspace: Path, changes: Mapping[str, Any]) -> None:
    """Write values into params.local.yaml, keeping what else stands there, comments too.

    Args:
        changes: nested as the file is; mappings are merged, everything else replaces.

    Raises:
        UsageError: the file is broken.
    """
    file = workspace / LOCAL
    if file.exists():
        read(file)
    rewrite(file, lambda document: lay_into(document, changes))


def lay_into(document: Any, changes: Mapping[str, Any], replace: bool = True) -> None:
    """Merge a mapping into one of ruamel's, in place; the comments of what is one of ruamel's come along.

    Args:
        replace: whether a value that is there already gives way.
    """
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(document.get(key), Mapping):
            lay_into(document[key], value, replace)
        elif replace or key not in document:
            document[key] = value
            if key in getattr(getattr(changes, "ca", None), "items", ()):
                document.ca.items[key] = changes.ca.items[key]  # type: ignore[attr-defined]


def rewrite(file: Path, change: Callable[[Any], None]) -> None:
    """Change a YAML file in place, keeping its comments; one that does not exist is made, with its purpose on top.

    Args:
        change: gets the document as nested mappings and lists, and changes them.
    """
    from ruamel.yaml.comments import CommentedMap

    text = file.read_bytes().decode() if file.exists() else HEADER
    document = make_yaml().load(text)
    comments = text.rstrip("\n") + "\n\n" if document is None else ""  # ruamel keeps none where there is no key
    values = CommentedMap() if document is None else document
    change(values)
    write_atomic(file, (comments + (dump(values) if values else "")).encode())


def make_yaml() -> Any:
    """ruamel's reader and writer, as both files are written."""
    from ruamel.yaml import YAML

    document = YAML()
    document.preserve_quotes = True
    document.width = 4096
    document.indent(mapping=2, sequence=4, offset=2)
    return document


def dump(values: Any) -> str:
    """A document as YAML, with a blank line between sections and none within.

    ruamel leaves one where the file's last key had been.
    """
    text = io.StringIO()
    make_yaml().dump(values, text)
    return re.sub(r"(\n[ \t][^\n]*)\n(?=\S)", r"\1\n\n", re.sub(r"\n\s*\n(?=[ \t])", "\n", text.getvalue()))
