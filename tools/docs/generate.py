"""Which files are generated, and from what."""

from collections.abc import Callable, Mapping
from pathlib import Path

from pipelines.config.layers import PARAMS
from tools.docs import command_line, settings

ROOT = Path(__file__).resolve().parents[2]
GENERATED: Mapping[str, Callable[[], str]] = {
    "pipelines/config/shipped.yaml": settings.write_params,
    PARAMS: settings.write_params,
    "docs/settings.md": settings.write_page,
    "docs/cli.md": command_line.write_page,
}


def find_stale() -> list[str]:
    """The generated files whose text is not what would be generated now, as paths from the repository's top."""
    return [name for name, write in GENERATED.items() if _read(ROOT / name) != write()]


def write_stale() -> list[str]:
    """Write those files; returns their paths from the repository's top."""
    stale = find_stale()
    for name in stale:
        (ROOT / name).write_text(GENERATED[name](), encoding="utf-8")
    return stale


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None
