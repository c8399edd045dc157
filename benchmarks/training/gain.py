"""What one night gains on real repositories, and how long each stage takes.

    python -m benchmarks.training.gain --workspace EMPTY_FOLDER REPOSITORY [REPOSITORY ...]

Each repository is learned once from nothing with this clone's settings, by `dvc repro` alone. One row a repository:
gain is the share of bits per byte that the adapter saves on held-out files, with its interval. The peer is the base
model: same prompts, same batches, same process, adapter off.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import yaml

from pipelines.config import layers

HOME = Path(__file__).resolve().parents[2]
COPIED = ("pipelines", "flows", "dvc.yaml", ".dvcignore")


def workspace(folder: Path, repositories: dict[str, Path]) -> None:
    """A workspace with this clone's code and values, and these projects."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        place = HOME / name
        (shutil.copytree if place.is_dir() else shutil.copy)(place, folder / name)
    (folder / "data").mkdir()
    shutil.copytree(HOME / "data" / "models", folder / "data" / "models")
    values = layers.merge(*layers.read_layers(HOME))[0]
    values["projects"] = {name: {"source": str(path)} for name, path in repositories.items()}
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    _run(["git", "init", "-q"], folder)
    _run([sys.executable, "-m", "dvc", "init", "-q", "-f"], folder)
    _run([sys.executable, "-m", "pipelines", "settings"], folder)


def measured(folder: Path, name: str) -> dict[str, str]:
    """The figures of one project after its stages have run."""
    read = lambda *parts: json.loads((folder / "data" / name).joinpath(*parts).read_text())  # noqa: E731
    evaluation = read("evaluation", "evaluation.json")
    gain, arms = evaluation["gains"]["adapter_vs_base"], evaluation["arms"]
    stages = ("extraction", "history", "dataset", "validation", "training", "embedding", "evaluation")
    seconds = {stage: read(".night", f"{stage}.json") for stage in stages}
    files = seconds["extraction"]["facts"]["files"]
    return {
        "repository": name,
        "files": str(files),
        "examples": str(seconds["training"]["facts"]["examples"]),
        "base": f"{arms['base']['bits_per_byte']['value']:.3f}",
        "adapter": f"{arms['adapter']['bits_per_byte']['value']:.3f}",
        "gain": f"{gain['value']:+.1%}",
        "interval": f"{gain['low']:+.1%} to {gain['high']:+.1%}",
        "tokens/s": f"{seconds['training']['facts']['tokens_per_second']:,}",
        **{stage: f"{entry['seconds']:.0f} s" for stage, entry in seconds.items()},
    }


def _run(command: list[str], folder: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, "PATH": path})


def main() -> None:
    """Learn every repository, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, required=True, help="an empty folder")
    parser.add_argument("repositories", type=Path, nargs="+")
    args = parser.parse_args()
    named = {path.resolve().name.lower(): path.resolve() for path in args.repositories}
    workspace(args.workspace, named)
    rows = []
    for name in named:
        _run([sys.executable, "-m", "dvc", "repro", f"evaluation@{name}"], args.workspace)
        rows.append(measured(args.workspace, name))
    today, cores = datetime.now(UTC).date(), os.cpu_count()
    print(f"\n{today}, {platform.machine()}, {cores} cores, Python {platform.python_version()}\n")
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + " --- |" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(row.values()) + " |")


if __name__ == "__main__":
    main()
