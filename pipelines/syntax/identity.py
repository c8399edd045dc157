"""What this room's results depend on besides the source: its own code and the grammars."""

from functools import cache
from importlib.metadata import version
from pathlib import Path

from pipelines.records import file_sha256, fingerprint
from pipelines.syntax.languages import LANGUAGES


@cache
def identity() -> str:
    """Changes with the code and queries of this room and with the versions of tree-sitter and its grammars."""
    folder = Path(__file__).parent
    code = sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".scm"})
    hashes = [[path.relative_to(folder).as_posix(), file_sha256(path)] for path in code]
    wheels = {"tree_sitter"} | {language.grammar.split(":")[0] for language in LANGUAGES}
    return fingerprint(hashes, {wheel: version(wheel.replace("_", "-")) for wheel in sorted(wheels)})
