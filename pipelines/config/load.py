"""Reading the settings: the files, checked by the schema, with errors that name the file, the key and the rule."""

import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipelines.config import layers
from pipelines.config.modes import former_name_notice, has_former_mode
from pipelines.config.schema import NAME_WORDS, Params
from pipelines.errors import NocturneError, UsageError
from pipelines.records import canonical_json, write_json

RULES = {  # pydantic's types of errors in plain words, with its names for the bounds
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping of keys to values",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "int_type": "must be a whole number",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be {le:g} or less",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "model_type": "must be a mapping of keys to values",
    "string_too_short": "must not be empty",
    "string_type": "must be text; put it in quotes",
    "value_error": "{error}",
}
FOR_DVC = "data/settings.json"  # what dvc.yaml reads; one top key, because DVC lets no two files have the same one


def find_notices(workspace: Path) -> list[str]:
    """What the settings say in former words, and the keys they lack, a line each; the files must load."""
    read = layers.read_layers(workspace)
    said = [former_name_notice(layer["training"]["mode"]) for layer in read if has_former_mode(layer)]
    _, missing = layers.merge(*read)
    return [*(line for line in said if line), *(_describe_missing(key) for key in missing)]


def _describe_missing(key: str) -> str:
    value = layers.value_at(layers.shipped_values(), key)
    shown = "" if isinstance(value, dict | list) else f" {canonical_json(value)}"
    return f"{layers.PARAMS} lacks `{key}`; the shipped value{shown} is used. Run `nocturne migrate` to write it."


def load_params(workspace: Path) -> Params:
    """Read params.yaml of a workspace, lay params.local.yaml over it, and check the result. A key that neither has
    gets its shipped value.

    Raises:
        UsageError: a file cannot be read, or a key or value breaks a rule; the first few are named with their file.
    """
    read = layers.read_layers(workspace)
    try:
        return Params.model_validate(layers.merge(*read)[0])
    except ValidationError as error:
        raise UsageError(
            f"{_reasons(error, read[1])}.", "Correct it; docs/settings.md lists each key with its type and range."
        ) from None


def write_for_dvc(workspace: Path) -> Params:
    """Write the values that count to the file that dvc.yaml reads, unless they stand there; returns them.

    Raises:
        UsageError: as `load_params`.
        NocturneError: the file cannot be written.
    """
    params = load_params(workspace)
    file, values = workspace / FOR_DVC, {"settings": params.model_dump(mode="json")}
    try:
        known = json.loads(file.read_bytes())
    except (OSError, ValueError):
        known = None
    if known != values:
        try:
            write_json(file, values)
        except OSError as error:
            raise NocturneError(
                f"{file}, which DVC reads, cannot be written: {error.strerror}.",
                f"Free disk space, or get the right to write to {file.parent}.",
            ) from None
    return params


def _reasons(error: ValidationError, local: layers.Values) -> str:
    """The first three, with the file before each, said once for those that follow one another."""
    said, before = [], ""
    for item in error.errors()[:3]:
        file = layers.LOCAL if _is_set_in(local, item) else layers.PARAMS
        said.append(_reason(item) if file == before else f"{file}: {_reason(item)}")
        before = file
    more = f" (and {error.error_count() - 3} more)" if error.error_count() > 3 else ""
    return "; ".join(said) + more


def _is_set_in(values: Any, item: Any) -> bool:
    """Whether a file says what an error is about; of a key that is missing, what it should stand in."""
    place = [key for key in item["loc"] if key != "[key]"]
    for key in place[:-1] if item["type"] == "missing" else place:
        if not isinstance(values, dict):
            return True
        if key not in values:
            return False
        values = values[key]
    return bool(place)


def _reason(item: Any) -> str:
    loc, kind = item["loc"], item["type"]
    where = ".".join(str(part) for part in loc)
    if kind == "extra_forbidden":
        similar = difflib.get_close_matches(str(loc[-1]), _keys_beside(loc), 1)
        return f"unknown key `{where}`" + (f" (did you mean `{similar[0]}`?)" if similar else "")
    if kind == "missing":
        return f"key `{where}` is missing"
    if loc and loc[-1] == "[key]":
        return f"project name `{item['input']}`: {NAME_WORDS}"
    value = "" if isinstance(item["input"], dict) else f" = {item['input']!r}"
    said = f"{RULES[kind]}".format(**item.get("ctx", {})) if kind in RULES else item["msg"]
    return f"`{where}`{value}: {said}" if where else said


def _keys_beside(loc: Sequence[Any]) -> list[str]:
    """The keys that the schema has where an unknown one stands; none where it is unknown as well."""
    values: Any = {**layers.shipped_values(), "projects": {}}
    for key in loc[:-1]:
        if isinstance(values, list) and values:
            values = values[0]
        elif isinstance(values, dict) and key in values:
            values = values[key]
        else:
            return []
    return list(values) if isinstance(values, dict) else []
