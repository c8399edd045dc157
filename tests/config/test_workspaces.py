"""Where a command is run says what it means: the workspace, the project, and the file."""

import shutil

import pytest
from conftest import ROOT, make_repository
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.cli.context import open_project, path_in_source
from pipelines.config import workspaces
from pipelines.config.layers import SHIPPED
from pipelines.config.load import write_for_dvc
from pipelines.config.workspaces import find_workspace
from pipelines.errors import NocturneError, UsageError
from pipelines.project import Project

FILES = {"src/app.py": "def run():\n    return 1\n", "app.py": "x = 1\n", "docs/notes.md": "# Notes\n"}


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.delenv("NOCTURNE_HOME", raising=False)


@pytest.fixture
def shop(tmp_path):
    """A project that uses DVC itself."""
    ours = {"params.yaml": "rank: 1\n", "dvc.yaml": "stages:\n  train:\n    cmd: python -m train\n"}
    return make_repository(tmp_path / "code" / "shop", {**FILES, **ours})


def make(folder):
    """A workspace without its code."""
    folder.mkdir()
    shutil.copy(SHIPPED, folder / "params.yaml")
    shutil.copy(ROOT / "dvc.yaml", folder / "dvc.yaml")
    return folder


def run(monkeypatch, folder, *arguments):
    monkeypatch.chdir(folder)
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def learned(tmp_path, shop, monkeypatch):
    place = make(tmp_path / "nocturne")
    assert run(monkeypatch, place, "add", "shop", str(shop)).exit_code == 0
    return place


def test_in_a_projects_folder_commands_find_its_workspace_and_mean_it(learned, shop, monkeypatch):
    for folder in (shop, shop / "src"):
        monkeypatch.chdir(folder)
        assert find_workspace() == learned
        assert open_project(None)[0].name == "shop"
    assert open_project("nocturne")[0].name == "nocturne"
    assert "shop" in run(monkeypatch, shop / "src", "releases").stdout


def test_in_the_workspace_commands_mean_the_project_that_it_is_itself(learned, monkeypatch):
    monkeypatch.chdir(learned)
    assert open_project(None)[0].name == "nocturne"


def test_of_nested_projects_the_innermost_is_meant(learned, shop, monkeypatch):
    inner = make_repository(shop / "vendor" / "till", FILES)
    run(monkeypatch, learned, "add", "till", str(inner))
    for folder, name in ((shop, "shop"), (inner, "till"), (inner / "src", "till"), (shop / "vendor", "shop")):
        monkeypatch.chdir(folder)
        assert open_project(None)[0].name == name


def test_of_two_workspaces_the_one_that_learns_the_folder_is_found(learned, shop, tmp_path, monkeypatch):
    other = make(tmp_path / "other")
    till = make_repository(tmp_path / "code" / "till", FILES)
    run(monkeypatch, other, "add", "till", str(till))
    for folder, place in ((shop, learned), (till, other), (other, other)):
        monkeypatch.chdir(folder)
        assert find_workspace() == place
    monkeypatch.chdir(tmp_path / "code")
    with pytest.raises(UsageError) as error:
        find_workspace()
    assert str(learned) in error.value.fact
    assert str(other) in error.value.fact
    assert "NOCTURNE_HOME" in error.value.next_step


def test_the_only_workspace_is_found_from_anywhere(learned, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "code")
    assert find_workspace() == learned
    assert open_project(None)[0].name == "nocturne"


def test_the_environment_goes_before_everything(learned, shop, tmp_path, monkeypatch):
    other = make(tmp_path / "other")
    monkeypatch.setenv("NOCTURNE_HOME", str(other))
    for folder in (shop, learned):
        monkeypatch.chdir(folder)
        assert find_workspace() == other


def test_a_workspace_is_entered_and_said_once(learned, shop, tmp_path, monkeypatch):
    assert workspaces.known_workspaces() == [learned]
    said = run(monkeypatch, make(tmp_path / "other"), "add", "shop", str(shop))
    assert f"{workspaces.workspaces_file()} names this workspace now" in said.stderr
    assert "names this workspace" not in run(monkeypatch, tmp_path / "other", "add", "till", str(shop)).stderr
    assert workspaces.known_workspaces() == [learned, tmp_path / "other"]


def test_a_workspace_that_is_gone_is_ignored(learned, shop, tmp_path, monkeypatch):
    other = make(tmp_path / "other")
    run(monkeypatch, other, "add", "till", str(shop))
    shutil.rmtree(other)
    monkeypatch.chdir(tmp_path / "code")
    assert find_workspace() == learned
    shutil.rmtree(learned)
    with pytest.raises(UsageError, match="is not in a Nocturne workspace") as error:
        find_workspace()
    assert "nocturne add" in error.value.next_step


def test_a_workspace_with_a_mistake_hides_no_other(learned, shop, tmp_path, monkeypatch):
    other = make(tmp_path / "other")
    run(monkeypatch, other, "add", "till", str(shop))
    (other / "params.local.yaml").write_text("projects: [")
    monkeypatch.chdir(shop)
    assert find_workspace() == learned


def test_a_configuration_that_cannot_be_written_stops_nothing(tmp_path, shop, monkeypatch):
    (tmp_path / "configuration").write_text("a file where the folder should be")
    said = run(monkeypatch, make(tmp_path / "nocturne"), "add", "shop", str(shop))
    assert (said.exit_code, said.stderr) == (0, "")


@pytest.mark.parametrize(
    ("folder", "given", "named"),
    [
        ("", "src/app.py", "src/app.py"),
        ("", "./src/app.py", "src/app.py"),
        ("src", "app.py", "src/app.py"),
        ("src", "../app.py", "app.py"),
        ("src", "./gone.py", "src/gone.py"),
        ("src", "src/app.py", "src/app.py"),  # as a search prints it
        ("docs", "src/gone.py", "src/gone.py"),
        ("docs", "app.py", "app.py"),
        ("docs", "../../x.py", "../../x.py"),
        ("..", "src/app.py", "src/app.py"),
        ("..", "./src/app.py", "src/app.py"),
    ],
)
def test_a_path_counts_from_the_current_folder_or_from_the_top(shop, tmp_path, monkeypatch, folder, given, named):
    monkeypatch.chdir(shop / folder)
    assert path_in_source(Project("shop", shop, tmp_path), given) == named


def test_an_absolute_path_is_one_of_the_source(shop, tmp_path):
    assert path_in_source(Project("shop", shop, tmp_path), str(shop / "src" / "app.py")) == "src/app.py"


def test_what_is_to_be_forgotten_counts_from_a_folder_of_the_source_where_it_is_there(learned, shop, monkeypatch):
    said = run(monkeypatch, shop / "src", "forget", "app.py")
    assert "Kept out from now on: src/app.py (projects.shop.forget in params.local.yaml)" in said.stdout
    assert "Kept out from now on: *.key" in run(monkeypatch, shop / "src", "forget", "*.key").stdout
    assert "Kept out from now on: app.py" in run(monkeypatch, shop, "forget", "app.py").stdout
    assert open_project("shop")[1].forgotten("shop") == ["src/app.py", "*.key", "app.py"]


def test_who_may_not_write_to_the_workspace_can_still_ask(learned, shop, monkeypatch):
    shutil.rmtree(learned / "data")
    (learned / "data").write_text("a file where the folder should be")
    monkeypatch.chdir(shop)
    assert open_project(None)[0].name == "shop"
    with pytest.raises(NocturneError, match=r"data/settings\.json, which DVC reads, cannot be written"):
        write_for_dvc(learned)
