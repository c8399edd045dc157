"""Two files of settings: what a clone sets lies over what is shipped, DVC sees the result, and `git pull` works."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, commit_all, git, make_repository, make_workspace
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.config.layers import LOCAL, PARAMS, SHIPPED, override, settings_files, shipped_values
from pipelines.config.load import FOR_DVC, load_params, write_for_dvc
from pipelines.config.schema import Params
from pipelines.dag import cache
from pipelines.dag import dvc as dvc_module
from pipelines.errors import UsageError

SHIPPED_PARAMS = Params.model_validate(shipped_values())


@pytest.fixture
def folder(tmp_path):
    shutil.copy(SHIPPED, tmp_path / PARAMS)
    return tmp_path


def local(folder, text):
    (folder / LOCAL).write_text(text)
    return folder


def test_mappings_merge_and_lists_and_single_values_replace(folder):
    local(folder, "search: {min_score: 0.2}\nsnapshot: {exclude: ['/vendor']}\ndataset:\n  recipes: {tests: 0}\n")
    params, shipped = load_params(folder), SHIPPED_PARAMS
    assert (params.search.min_score, params.search.rerank) == (0.2, shipped.search.rerank)
    assert params.snapshot.exclude == ["/vendor"]
    assert params.dataset == shipped.dataset.model_copy(
        update={"recipes": shipped.dataset.recipes.model_copy(update={"tests": 0})}
    )


def test_an_edit_of_params_yaml_counts_where_the_local_file_is_silent(folder):
    (folder / PARAMS).write_text((folder / PARAMS).read_text().replace("rank: 16", "rank: 8"))
    assert load_params(folder).training.rank == 8
    assert load_params(local(folder, "training: {rank: 4}\n")).training.rank == 4


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("projects: {shop: {source: /shop}}", ["nocturne", "shop"]),
        ("projects: {nocturne: null, shop: {source: /shop}}", ["shop"]),
        ("projects: {gone: null}", ["nocturne"]),
        ("projects:\nsearch:\n", ["nocturne"]),
        ("projects: {shop: {source: /shop}, nocturne: {forget: [a]}}", ["nocturne", "shop"]),
        ("projects: {shop: {source: /shop}, nocturne: {source: .}}", ["shop", "nocturne"]),
    ],
)
def test_projects_merge_by_name(folder, text, names):
    assert list(load_params(local(folder, text)).projects) == names


@pytest.mark.parametrize("file", [PARAMS, LOCAL])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"search: {rerank: \xff}", "is not UTF-8 text: byte 0xff at position 17"),
        (b"search: [", "cannot be read"),
        (b"- search", "holds a list; it must be a mapping"),
        (b"search", "holds a str; it must be a mapping"),
        (b"search: {min_score: 0}\nsearch: {min_score: 1}", "the key `search` is written twice"),
        (b"search: {min_score: 0, min_score: 1}", "the key `min_score` is written twice"),
    ],
)
def test_a_broken_file_is_named_with_its_fault(folder, file, content, said):
    (folder / file).write_bytes(content)
    with pytest.raises(UsageError) as error:
        load_params(folder)
    assert error.value.fact.startswith(f"{file} ")
    assert said in error.value.fact
    assert "\n" not in error.value.fact
    assert error.value.next_step


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("serach: {min_score: 1}", "params.local.yaml: unknown key `serach` (did you mean `search`?)."),
        ("search: {min_scor: 1}", "params.local.yaml: unknown key `search.min_scor` (did you mean `min_score`?)."),
        ("search: {min_score: 2}", "params.local.yaml: `search.min_score` = 2"),
        ("search: 2", "params.local.yaml: `search` = 2"),
        ("projects: {shop: {}}", "params.local.yaml: key `projects.shop.source` is missing."),
        ("gates: [{name: mine}]", "params.local.yaml: key `gates.0.metric` is missing"),
        ("training: {targets: 3}", "params.local.yaml: `training.targets` = 3: must be all-linear, or a list"),
    ],
)
def test_a_mistake_is_named_with_the_file_that_has_it(folder, text, said):
    with pytest.raises(UsageError) as error:
        load_params(local(folder, text))
    assert said in f"{error.value.fact}"


def test_mistakes_in_both_files_are_told_apart(folder):
    (folder / PARAMS).write_text((folder / PARAMS).read_text().replace("rank: 16", "rank: 0"))
    with pytest.raises(UsageError) as error:
        load_params(local(folder, "search: {min_score: 2}"))
    assert "params.yaml: `training.rank` = 0" in error.value.fact
    assert "; params.local.yaml: `search.min_score` = 2" in error.value.fact


def test_a_local_file_of_comments_says_nothing(folder):
    assert load_params(local(folder, "# search: {min_score: 1}\n")) == SHIPPED_PARAMS


def test_what_nocturne_writes_keeps_comments_and_leaves_params_yaml_alone(folder):
    local(folder, "# ours\nsearch:\n  min_score: 0.2 # measured\n")
    override(folder, {"search": {"rerank": "m"}, "projects": {"shop": {"source": "/shop"}}})
    text = (folder / LOCAL).read_text()
    assert text == (
        "# ours\nsearch:\n  min_score: 0.2 # measured\n  rerank: m\n\nprojects:\n  shop:\n    source: /shop\n"
    )
    assert (folder / PARAMS).read_bytes() == SHIPPED.read_bytes()
    assert load_params(folder).search.min_score == 0.2


def test_a_new_local_file_says_what_it_is_for_and_keeps_saying_it(folder):
    for name in ("shop", "till"):
        override(folder, {"projects": {name: {"source": f"/{name}"}}})
    lines = (folder / LOCAL).read_text().splitlines()
    assert [line for line in lines if line.startswith("#")] == lines[:2]
    assert list(load_params(folder).projects) == ["nocturne", "shop", "till"]


def test_the_file_for_dvc_holds_what_counts_and_is_written_only_when_that_changes(folder):
    write_for_dvc(local(folder, "search: {min_score: 0.2}"))
    values = json.loads((folder / FOR_DVC).read_text())
    assert values == {"settings": load_params(folder).model_dump(mode="json")}
    before = (folder / FOR_DVC).stat()
    write_for_dvc(folder)
    assert (folder / FOR_DVC).stat().st_ino == before.st_ino  # a write would have made another file
    local(folder, "search: {min_score: 0.3}")
    write_for_dvc(folder)
    assert json.loads((folder / FOR_DVC).read_text())["settings"]["search"]["min_score"] == 0.3


def test_the_files_to_watch_are_both(folder):
    assert settings_files(folder) == [folder / "params.yaml", folder / "params.local.yaml"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    moon = make_repository(tmp_path / "moon", {"moon.py": "def wax():\n    return 1\n"})
    place = make_workspace(tmp_path / "workspace", {"moon": moon, "sun": moon})
    monkeypatch.setenv("NOCTURNE_HOME", str(place))
    return place


def seen(place):
    """What DVC reads for the parameters of each stage."""
    with dvc_module.open_repository(place) as repo:
        return {stage.name: dependency.get_hash().value for stage in repo.index.stages for dependency in stage.params}


@pytest.mark.parametrize(
    ("changes", "stages"),
    [
        ({"projects": {"moon": {"forget": ["a.py"]}}}, {"snapshot@moon", "history@moon"}),
        (
            {"dataset": {"seed": 18}},
            {"dataset@moon", "dataset@sun", "validation@moon", "validation@sun"},
        ),
        ({"search": {"min_score": 0.2}}, set()),
    ],
)
def test_a_local_value_reaches_the_stages_that_declare_it_and_no_others(place, changes, stages):
    before = seen(place)
    override(place, changes)
    after = seen(place)
    assert {name for name in before if before[name] != after[name]} == stages


def test_a_local_project_gets_its_stages_and_one_that_is_null_has_none(place, tmp_path):
    override(place, {"projects": {"sun": None, "tide": {"source": str(tmp_path / "moon")}}})
    assert {name.split("@")[1] for name in seen(place)} == {"moon", "tide"}


def dvc(place, *arguments):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(
        command, cwd=place, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    ).stdout


def test_dvc_alone_sees_an_edit_by_hand(place):
    """The snapshot always runs first, and like every stage it writes what counts for those after it."""
    file = place / PARAMS
    file.write_text(file.read_text().replace("max_file_kb: 512", "max_file_kb: 77"))
    local(place, "extraction: {chunk_chars: 1200}")
    dvc(place, "repro", "extraction@moon")
    (recorded,) = yaml.safe_load((place / "dvc.lock").read_text())["stages"]["extraction@moon"]["params"].values()
    assert recorded["settings.extraction"]["max_file_kb"] == 77
    assert recorded["settings.extraction"]["chunk_chars"] == 1200


def test_without_a_workspace_file_for_dvc_one_command_writes_it(place):
    (place / FOR_DVC).unlink()
    done = subprocess.run([sys.executable, "-m", "pipelines", "settings"], cwd=place, check=False)
    assert done.returncode == 0
    assert "snapshot@moon" in dvc(place, "stage", "list", "--name-only")


def made(place, text):
    """An output of the snapshot as DVC keeps it; returns its file in the cache."""
    folder = place / "data" / "moon" / "snapshot"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "snapshot.json").write_text(text)
    with contextlib.chdir(place), dvc_module.open_repository(place) as repo:
        repo.commit("snapshot@moon", force=True)
    project = load_params(place).project("moon", place)
    return dvc_module.read_stored(project, dvc_module.output_hash(project, "snapshot"))["snapshot.json"]


def test_data_of_a_commit_without_the_file_for_dvc_is_kept(place):
    """git ignores data/settings.json; a commit with dvc.lock alone still names its data."""
    kept = made(place, "committed")
    git(place, "add", "dvc.lock", "dvc.yaml", ".gitignore", ".dvc", ".dvcignore", PARAMS)
    git(place, "commit", "-q", "-m", "a night")
    lost, now = made(place, "replaced"), made(place, "now")
    cache.clear(place, [], cache.find_unreferenced(place, []).sizes)
    assert (kept.is_file(), lost.exists(), now.is_file()) == (True, False, True)


def test_dvc_compares_commits_once_the_file_is_committed(place):
    made(place, "first")
    git(place, "add", "dvc.lock", "dvc.yaml", ".gitignore", ".dvc", ".dvcignore", PARAMS)
    git(place, "add", "--force", FOR_DVC)
    git(place, "commit", "-q", "-m", "a night")
    override(place, {"dataset": {"seed": 18}})
    write_for_dvc(place)
    rows = json.loads(dvc(place, "params", "diff", "--json"))[FOR_DVC]
    assert rows["settings.dataset.seed"] == {"old": 17, "new": 18, "diff": 1}


@pytest.fixture
def upstream(tmp_path):
    """Nocturne where it is published, without the large files."""
    folder = tmp_path / "upstream"
    shutil.copytree(ROOT / "pipelines", folder / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".dvc").mkdir()
    shutil.copy(SHIPPED, folder / PARAMS)
    for name in ("dvc.yaml", ".dvcignore", ".gitignore", ".dvc/config"):
        shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "-q")
    commit_all(folder)
    return folder


def publish(upstream, old, new):
    for file in (upstream / PARAMS, upstream / "pipelines" / "config" / SHIPPED.name):
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
    commit_all(upstream)


@pytest.mark.parametrize("how", ["--no-rebase", "--rebase"])
def test_an_update_never_conflicts_with_what_a_clone_sets(upstream, tmp_path, monkeypatch, how):
    git(tmp_path, "clone", "-q", str(upstream), "clone")
    clone = tmp_path / "clone"
    monkeypatch.setenv("NOCTURNE_HOME", str(clone))
    moon = make_repository(tmp_path / "moon", {"moon.py": "def wax():\n    return 1\n"})
    assert CliRunner().invoke(app, ["add", "moon", str(moon)]).exit_code == 0
    override(clone, {"dataset": {"seed": 18}})
    assert git(clone, "status", "--porcelain") == ""
    publish(upstream, "  nocturne:\n    source: .\n", "  nocturne: # this very repository\n    source: ./\n")
    publish(upstream, "seed: 17", "seed: 19")
    git(clone, "pull", "-q", how)
    values = seen(clone)
    assert values["history@moon"]["settings.projects.moon"] == {"source": str(moon), "forget": []}
    assert values["history@nocturne"]["settings.projects.nocturne"]["source"] == "./"
    assert values["dataset@moon"]["settings.dataset"]["seed"] == 18
    assert values["training@moon"]["settings.training"]["seed"] == 19
