"""The ways to train, and the names that they had in the systems before this one."""

from typing import Any, Literal

Mode = Literal["lora", "qlora", "full", "none"]

# Every release has an index, so that the hybrids are what their adapter is; nothing is ever sent to an external model.
FORMER: dict[str, Mode] = {
    "LOCAL_LORA": "lora",
    "LOCAL_FINE_TUNING": "full",
    "LOCAL_HYBRID": "lora",
    "EXTERNAL_RAG": "none",
    "EXTERNAL_HYBRID": "lora",
    "LORA": "lora",
    "RAG": "none",
    "HYBRID": "lora",
}


def today(mode: Any) -> Any:
    """Today's name of a mode; what is no former name comes back as it is."""
    return FORMER.get(mode, mode) if isinstance(mode, str) else mode


def notice(mode: Any) -> str | None:
    """One line about a former name, or None."""
    if today(mode) == mode:
        return None
    hybrid = " (every release has an index; nothing goes to an external model)" if "HYBRID" in mode else ""
    return f"training.mode: {mode} is a former name of `{today(mode)}`{hybrid}. `nocturne migrate` rewrites it."
