"""The rules of the house, proven by reading the imports and dvc.yaml."""

import ast
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT

from pipelines.params import FOR_DVC
from pipelines.stage import NAMES, load

ROOMS = sorted(p.name for p in (ROOT / "pipelines").iterdir() if p.is_dir() and (p / "__init__.py").exists())
TOP = {"cli"}
MIDDLE = {*NAMES, "assistant", "gates", "lineage", "release", "watching"}
OWNERS = {
    "prefect": "flows",
    "mlflow": "pipelines/registry",
    "openvino": "pipelines/model",
    "qdrant_client": "pipelines/index",
    "qdrant_edge": "pipelines/index",
}
HEAVY = {
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "sentence_transformers",
    "prefect",
    "mlflow",
    "dvc",
    "pandas",
}


def sources():
    return [path for room in ("pipelines", "flows") for path in sorted((ROOT / room).rglob("*.py"))]


def imports(path, top_level_only=False):
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module):
    parts = module.split(".")
    return parts[1] if parts[0] == "pipelines" and len(parts) > 1 and parts[1] in ROOMS else None


@pytest.mark.parametrize("stage", NAMES)
def test_stages_never_import_each_other(stage):
    others = set(NAMES) - {stage}
    for path in (ROOT / "pipelines" / stage).rglob("*.py"):
        assert not {room(module) for module in imports(path)} & others, path


def test_lower_rooms_do_not_import_higher_ones():
    for path in (ROOT / "pipelines").rglob("*.py"):
        own = path.relative_to(ROOT / "pipelines").parts[0]
        if own in TOP or own in MIDDLE or own not in ROOMS:
            continue
        assert not {room(module) for module in imports(path)} & (TOP | MIDDLE), path


@pytest.mark.parametrize(("library", "owner"), OWNERS.items())
def test_only_its_owner_imports_a_service_library(library, owner):
    for path in sources():
        if not path.relative_to(ROOT).as_posix().startswith(owner):
            assert library not in {module.split(".")[0] for module in imports(path)}, path


def test_the_command_line_imports_nothing_heavy():
    code = f"import sys, pipelines.cli; sys.exit(' '.join({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.strip() == ""


def test_importing_a_stage_imports_nothing_heavy():
    code = "import sys\nfrom pipelines.stage import NAMES, load\n[load(name) for name in NAMES]\n"
    code += f"sys.exit(' '.join({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.strip() == ""


def declared(name):
    stage = load(name)
    where = "data/${key}/"
    code = [f"pipelines/{room}" for room in sorted([name, *stage.rooms])]
    entry = {
        "cmd": f"python -m pipelines {name} ${{key}}",
        "deps": code + [where + need for need in stage.needs],
        "params": [{FOR_DVC: [f"settings.{key}" for key in stage.params]}],
        "outs": [{where + name: {"persist": True}} if stage.persists else where + name],
        **({"metrics": [where + file for file in stage.metrics]} if stage.metrics else {}),
        **({"plots": [where + file for file in stage.plots]} if stage.plots else {}),
    }
    return {**entry, "always_changed": True} if stage.always else entry


def test_dvc_yaml_lists_exactly_what_the_stages_declare():
    written = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    stages = written["stages"]
    assert written["vars"] == [FOR_DVC]
    assert tuple(stages) == NAMES
    for name, entry in stages.items():
        assert entry["foreach"] == "${settings.projects}"
        found = {key: value for key, value in entry["do"].items() if key != "desc"}
        if "plots" in found:  # how they are drawn is dvc.yaml's alone
            found["plots"] = [file for plot in found["plots"] for file in plot]
        wanted = declared(name)
        assert {**found, "deps": sorted(found["deps"])} == {**wanted, "deps": sorted(wanted["deps"])}


@pytest.mark.parametrize("stage", NAMES)
def test_a_stage_declares_every_room_whose_code_it_reaches(stage):
    """Follows the imports inside pipelines/ from the stage's folder; `registry` only watches a training."""
    declared_code = [f"pipelines/{part}" for part in (stage, *load(stage).rooms)]
    todo, seen = sorted((ROOT / "pipelines" / stage).rglob("*.py")), set()
    while todo:
        path = todo.pop()
        for module in imports(path):
            file = ROOT / (module.replace(".", "/") + ".py")
            target = file if file.exists() else file.with_suffix("") / "__init__.py"
            if room(module) in (None, "registry") or target in seen or not target.exists():
                continue
            if target.name == "__init__.py" and not list(imports(target)):
                continue  # it holds a sentence, and no code
            seen.add(target)
            todo.append(target)
            place = target.relative_to(ROOT).as_posix()
            assert any(place == code or place.startswith(code + "/") for code in declared_code), place
