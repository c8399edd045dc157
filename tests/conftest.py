"""Real things to test on: a git repository made of this project's own code, and a workspace that learns it."""

import contextlib
import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pipelines import environment
from pipelines.config.load import load_params, write_for_dvc
from pipelines.dag import dvc
from pipelines.dag.stage import load
from pipelines.project import Project

ROOT = Path(__file__).resolve().parents[1]
NANO_CODER = ROOT / "data" / "models" / "nano-coder"

for key in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL", "PREFECT_HOME", "NOCTURNE_HOME"):
    os.environ.pop(key, None)
os.environ.update(environment.SETTINGS)
os.environ.setdefault("KF_RULE_CACHE_DIR", str(ROOT / "data" / ".kingfisher"))  # compiled once for all workspaces
os.environ.setdefault("NOCTURNE_ENCODERS", str(ROOT / "data" / ".encoders"))  # made once for all workspaces
if "PYTEST_XDIST_WORKER" in os.environ:
    # Each of the two test processes has a core; more threads would wait for one another.
    os.environ["OMP_NUM_THREADS"] = "1"
os.environ.update({"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The whole nights first: whatever runs beside them is over before they are."""
    items.sort(key=lambda item: "flows" not in item.path.parts)


class Vocabulary:
    """The part of a tokenizer that knows its special tokens, for models that exist only in a test."""

    known: tuple[str, ...] = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|endoftext|>", "<|file_sep|>")

    def convert_tokens_to_ids(self, token: str) -> int | None:
        return self.known.index(token) if token in self.known else None

    def convert_ids_to_tokens(self, number: int) -> str:
        return self.known[number]


def unprivileged() -> None:
    """For `preexec_fn`: what the process runs may not write where modes forbid it, which a superuser may otherwise."""
    dropping, writing_everywhere = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE
    ctypes.CDLL(None).prctl(dropping, writing_everywhere)


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder; returns what it printed."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def commit_all(folder: Path, message: str = "change") -> str:
    """Commit everything in a repository; returns the commit."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD").strip()


def make_repository(folder: Path, files: dict[str, str | bytes]) -> Path:
    """A git repository with these files in its first commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    commit_all(folder, "first")
    return folder


def own_code(*folders: str) -> dict[str, str]:
    """Files of this project: real code that the bundled base model has never seen."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in found}


def make_workspace(folder: Path, projects: dict[str, Path], **changes: dict) -> Path:
    """A workspace as `make install` leaves a clone, with a copy of its code, and small values in params.yaml."""
    folder.mkdir(parents=True)
    for name in ("pipelines", "flows"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    (folder / ".dvc").mkdir()
    shutil.copy(ROOT / ".dvc" / "config", folder / ".dvc" / "config")
    (folder / "data" / "models").mkdir(parents=True)
    (folder / "data" / "models" / "nano-coder").symlink_to(NANO_CODER)
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["projects"] = {name: {"source": str(path)} for name, path in projects.items()}
    for section, keys in changes.items():
        for key, value in keys.items():
            if isinstance(value, dict):
                values[section][key].update(value)
            else:
                values[section][key] = value
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    write_for_dvc(folder)
    git(folder, "init", "-q")
    return folder


def taken_in(project: Project, stage: str) -> None:
    """Run a stage here and let DVC keep what it made. By `dvc.reproduce` each is a process of its own, as in a night,
    that takes seconds to import what it needs."""
    load(stage).run(project, load_params(project.workspace))
    with contextlib.chdir(project.workspace), dvc.open_repository(project.workspace) as repo:
        repo.commit(f"{stage}@{project.name}", force=True)


@pytest.fixture(autouse=True, scope="session")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's configuration, empty and apart from that of whoever runs the tests."""
    folder = tmp_path_factory.mktemp("configuration")
    os.environ["XDG_CONFIG_HOME"] = str(folder)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Callable[[dict[str, str | bytes]], Path]:
    """Makes a git repository from file names and contents."""
    return lambda files: make_repository(tmp_path / "source", files)


@pytest.fixture(scope="session")
def mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database as the first night makes it. To copy: making one takes five seconds of migrations."""
    from pipelines.registry.tracking import open_client

    folder = tmp_path_factory.mktemp("mlflow")
    open_client(folder)
    return folder / "mlruns" / "mlflow.db"


def with_database(workspace: Path, database: Path) -> Path:
    """Give a workspace that has had no night a copy of `mlflow_database`; returns the workspace."""
    (workspace / "mlruns").mkdir()
    shutil.copy(database, workspace / "mlruns" / "mlflow.db")
    return workspace
