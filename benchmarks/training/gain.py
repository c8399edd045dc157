"""What one night gains on real repositories, and how long each stage takes.

    python -m benchmarks.training.gain --workspace EMPTY_FOLDER REPOSITORY [REPOSITORY ...]

Each repository is learned once from nothing with this clone's settings, by `dvc repro` alone. Gain is the share of bits
per byte that the adapter saves on held-out files, with its interval. It is compared with the base model: the same
prompts and batches in the same process, with the adapter off.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from benchmarks.result import HOME, Cell, Chart, Figure, Interval, Result, Table, make_parser, round_to
from pipelines.config import layers

QUESTION = "How much better than its base model is an adapter after one night?"
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


def measured(folder: Path, name: str) -> dict[str, Cell]:
    """The figures of one project after its stages have run."""
    read = lambda *parts: json.loads((folder / "data" / name).joinpath(*parts).read_text())  # noqa: E731
    evaluation = read("evaluation", "evaluation.json")
    gain, arms = evaluation["gains"]["adapter_vs_base"], evaluation["arms"]
    stages = ("extraction", "history", "dataset", "validation", "training", "embedding", "evaluation")
    seconds = {stage: read(".night", f"{stage}.json") for stage in stages}
    files = seconds["extraction"]["facts"]["files"]
    return {
        "repository": name,
        "files": files,
        "examples": seconds["training"]["facts"]["examples"],
        "base, bits/byte": round_to(arms["base"]["bits_per_byte"]["value"]),
        "adapter, bits/byte": round_to(arms["adapter"]["bits_per_byte"]["value"]),
        "gain, %": Interval(**{key: round_to(100 * gain[key], 3) for key in ("value", "low", "high")}),
        "tokens/s": seconds["training"]["facts"]["tokens_per_second"],
        **{f"{stage}, s": round(entry["seconds"]) for stage, entry in seconds.items()},
    }


def _run(command: list[str], folder: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, "PATH": path})


def main() -> None:
    """Learn every repository, then write the result."""
    parser = make_parser(__doc__)
    parser.add_argument("--workspace", type=Path, required=True, help="an empty folder")
    parser.add_argument("repositories", type=Path, nargs="+")
    args = parser.parse_args()
    named = {path.resolve().name.lower(): path.resolve() for path in args.repositories}
    workspace(args.workspace, named)
    result = Result.begin("training-gain", "training.gain", ", ".join(named))
    rows: list[dict[str, Cell]] = []
    for name in named:
        _run([sys.executable, "-m", "dvc", "repro", f"evaluation@{name}"], args.workspace)
        rows.append(measured(args.workspace, name))
        gain = rows[-1]["gain, %"]
        assert isinstance(gain, Interval)
        asked = f"bits per byte saved on held-out files, {name}"
        result.figures.append(Figure(asked=asked, ours=gain, unit="%", peer="the base model"))
    result.tables = [Table(rows=rows)]
    result.chart = Chart(title="Bits per byte saved by the adapter, %", labels="repository", values="gain, %")
    result.write(args.results)


if __name__ == "__main__":
    main()
