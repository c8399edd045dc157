"""What this room's results depend on besides the source: its own code, and the scanners' versions."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipelines.records import file_sha256, fingerprint

SCANNERS = ("detect-secrets", "kingfisher-secret-scanner", "license-expression", "phonenumbers")


@cache
def cleaning_identity() -> str:
    """Changes with the code of this room and with the versions of what it calls; "missing" is a version too."""
    folder = Path(__file__).parent
    code = [[path.name, file_sha256(path)] for path in sorted(folder.glob("*.py"))]
    return fingerprint(code, {name: _version(name) for name in SCANNERS})


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
