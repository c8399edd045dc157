"""What this room's results depend on besides the source: its own code and the grammars."""

from functools import cache
from importlib.metadata import version
from pathlib import Path

from pipelines.records import file_sha256, fingerprint
from pipelines.syntax.languages import LANGUAGES
from pipelines.syntax.text.kinds import LIBRARY


@cache
def syntax_identity() -> str:
    """Changes with the code and queries of this room and with the versions of the parsers it stands on."""
    folder = Path(__file__).parent
    code = sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".scm"})
    hashes = [[path.relative_to(folder).as_posix(), file_sha256(path)] for path in code]
    grammars = {language.grammar.split(":")[0] or language.library for language in LANGUAGES}
    wheels = {"tree_sitter", LIBRARY} | grammars - {""}
    return fingerprint(hashes, {wheel: version(wheel.replace("_", "-")) for wheel in sorted(wheels)})
