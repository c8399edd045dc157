"""The ways to train, and the names that they had in the systems before this one."""

from typing import Any, Literal

Mode = Literal["lora", "qlora", "full", "none"]

# Every release has an index, so that the hybrids are what their adapter is; nothing is ever sent to an external model.
FORMER: dict[str, Mode] = {
    "LOCAL_LORA": "lora",
    "LOCAL_FINE_TUNING": "full",
    "FINE_TUNING": "full",
    "LOCAL_HYBRID": "lora",
    "EXTERNAL_RAG": "none",
    "EXTERNAL_HYBRID": "lora",
    "LORA": "lora",
    "RAG": "none",
    "HYBRID": "lora",
}


def current_name(mode: Any) -> Any:
    """Today's name of a mode; what is no former name comes back as it is."""
    return FORMER.get(mode, mode) if isinstance(mode, str) else mode


def former_name_notice(mode: Any) -> str | None:
    """One line about a former name, or None."""
    if current_name(mode) == mode:
        return None
    hybrid = " (every release has an index; nothing goes to an external model)" if "HYBRID" in mode else ""
    return f"training.mode: {mode} is a former name of `{current_name(mode)}`{hybrid}. `nocturne migrate` rewrites it."


def has_former_mode(values: Any) -> bool:
    """Whether `training.mode` is a training type of the systems before this one."""
    training = values.get("training") if isinstance(values, dict) else None
    mode = training.get("mode") if isinstance(training, dict) else None
    return bool(current_name(mode) != mode)
