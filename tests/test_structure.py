"""The rules of the house, proven by reading the imports and dvc.yaml."""

import ast
import subprocess
import sys

import networkx
import pytest
import yaml
from conftest import ROOT

from pipelines.config.load import FOR_DVC
from pipelines.dag.stage import NAMES, load

# Top to bottom: a room imports from the layers below its own, never from its own or from one above.
LAYERS = (
    ("__main__", "cli"),
    ("flows",),
    ("lineage",),
    ("release",),
    ("night", "watch"),
    ("assistant", "gates"),
    NAMES,
    ("cleaning", "index"),
    ("dag", "encoder", "lm", "registry", "syntax"),
    ("config", "source"),
    ("environment", "locks", "progress", "project", "records", "wording"),
    ("errors",),
)
INDEX_LAYERS = ("versions", "search", "store")
RANK = {room: rank for rank, layer in enumerate(LAYERS) for room in layer}
# Whose code a stage need not declare: they carry values, files, words, progress; `registry` only watches a training.
CARRIERS = {None, "config", "dag", "registry", "environment", "progress", "project", "records", "wording", "errors"}
LONGEST = 300  # lines
# A file that holds more, and why it is one.
LONG = {
    "pipelines/registry/releases.py": "all that is asked of a project's releases, on one connection",
    "tests/assistant/test_assistant.py": "cases of one answer",
    "tests/extraction/test_extraction.py": "cases of one stage",
    "tests/flows/test_nightly.py": "one night after the other in one workspace",
    "tests/night/test_page_figures.py": "a case for each table",
    "tests/release/test_index_release.py": "cases of one kind of release",
    "tests/release/test_retention.py": "cases of one clearing",
    "tests/snapshot/test_snapshot.py": "cases of one stage",
    "tests/syntax/test_facts.py": "a case for each language",
    "tests/syntax/test_smalltalk.py": "a case for each dialect",
    "tests/syntax/test_symbols.py": "a case for each language",
}
OWNERS = {
    "prefect": "flows",
    "mlflow": "pipelines/registry",
    "openvino": "pipelines/encoder",
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


def all_code():
    return [
        path for top in ("benchmarks", "flows", "pipelines", "tests", "tools") for path in (ROOT / top).rglob("*.py")
    ]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return module.removesuffix(".__init__")


def room(module):
    """The part of the house that a module is in: `flows`, or what stands first below `pipelines`."""
    parts = module.split(".")
    if parts[0] == "flows":
        return "flows"
    return parts[1] if parts[0] == "pipelines" and len(parts) > 1 and parts[1] in RANK else None


MODULES = {module_of(path): path for path in sources()}


def imported_modules(path):
    """The house's own modules that one imports, itself not among them."""
    found = set()
    for name in imports(path):
        if name in MODULES:
            found.add(name)
    # `from package import module` names both; the package's own code is meant only where it has some.
    return found - {module_of(path), "pipelines", "flows"}


def test_every_module_has_its_layer():
    found = {room(module) for module in MODULES if module not in ("pipelines", "flows")}
    assert found == set(RANK)


def test_imports_go_down_the_layers():
    for path in sources():
        own = room(module_of(path))
        for module in imported_modules(path):
            other = room(module)
            assert other == own or RANK[other] > RANK[own], f"{path} imports {module}"


def test_imports_go_down_the_layers_of_the_index():
    for path in (ROOT / "pipelines" / "index").rglob("*.py"):
        parts = module_of(path).split(".")
        if len(parts) < 4:
            continue
        for module in imported_modules(path):
            other = module.split(".")
            if other[:2] == ["pipelines", "index"] and len(other) > 2 and other[2] != parts[2]:
                assert INDEX_LAYERS.index(other[2]) > INDEX_LAYERS.index(parts[2]), f"{path} imports {module}"


def test_no_files_import_each_other_in_a_circle():
    graph = networkx.DiGraph((module, other) for module, path in MODULES.items() for other in imported_modules(path))
    packages = [module for module, path in MODULES.items() if path.name == "__init__.py"]
    graph.remove_nodes_from(packages)  # they only hand on what their modules have
    assert list(networkx.simple_cycles(graph)) == []


def test_a_long_file_has_a_reason():
    lines = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in all_code()}
    assert {name for name, count in lines.items() if count > LONGEST} == set(LONG)


@pytest.mark.parametrize("stage", NAMES)
def test_stages_never_import_each_other(stage):
    others = set(NAMES) - {stage}
    for path in (ROOT / "pipelines" / stage).rglob("*.py"):
        assert not {room(module) for module in imports(path)} & others, path


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
    code = "import sys\nfrom pipelines.dag.stage import NAMES, load\n[load(name) for name in NAMES]\n"
    code += f"sys.exit(' '.join({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.strip() == ""


def declared(name):
    stage = load(name)
    where = "data/${key}/"
    code = [f"pipelines/{room}" for room in sorted([name, *stage.code_deps])]
    entry = {
        "cmd": f"python -m pipelines {name} ${{key}}",
        "deps": code + [where + need for need in stage.inputs],
        "params": [{FOR_DVC: [f"settings.{key}" for key in stage.params]}],
        "outs": [{where + name: {"persist": True}} if stage.keep_outputs else where + name],
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
    """Follows the imports inside pipelines/ from the stage's folder."""
    declared_code = [f"pipelines/{part}" for part in (stage, *load(stage).code_deps)]
    todo, seen = sorted((ROOT / "pipelines" / stage).rglob("*.py")), set()
    while todo:
        path = todo.pop()
        for module in imports(path):
            file = ROOT / (module.replace(".", "/") + ".py")
            target = file if file.exists() else file.with_suffix("") / "__init__.py"
            if room(module) in CARRIERS or target in seen or not target.exists():
                continue
            if target.name == "__init__.py" and not list(imports(target)):
                continue  # it holds a sentence, and no code
            seen.add(target)
            todo.append(target)
            place = target.relative_to(ROOT).as_posix()
            assert any(place == code or place.startswith(code + "/") for code in declared_code), place
