"""`migrate`: what a person wrote into params.yaml moves to params.local.yaml, with comments."""

import json
import re

import pytest
import yaml
from conftest import ROOT
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.config.layers import SHIPPED
from pipelines.config.load import load_params
from pipelines.config.modes import FORMER


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    monkeypatch.setenv("NOCTURNE_HOME", str(tmp_path))
    return tmp_path


def written(place, mode):
    text = (ROOT / "params.yaml").read_text()
    (place / "params.yaml").write_text(text.replace("mode: qlora", f"mode: {mode}", 1))


@pytest.mark.parametrize(("former", "today"), FORMER.items())
def test_a_former_name_is_accepted_said_and_rewritten(place, former, today):
    written(place, former)
    assert load_params(place).training.mode == today
    assert f"{former} is a former name of `{today}`" in CliRunner().invoke(app, ["releases"]).stderr
    said = CliRunner().invoke(app, ["migrate", "--json"])
    assert json.loads(said.stdout) == [{"setting": "training.mode", "from": former, "to": today}]
    assert (place / "params.yaml").read_bytes() == SHIPPED.read_bytes()
    text = (place / "params.local.yaml").read_text()
    assert re.search(rf"mode: {today} +# `qlora`", text)  # its comment stays
    assert yaml.safe_load(text) == {"training": {"mode": today}}
    assert "former name" not in CliRunner().invoke(app, ["releases"]).stderr


def test_todays_names_are_left_alone_byte_for_byte(place):
    written(place, "qlora")
    before = (place / "params.yaml").read_bytes()
    assert "up to date" in CliRunner().invoke(app, ["migrate"]).stdout
    assert (place / "params.yaml").read_bytes() == before


def test_a_name_that_never_was_is_an_error(place):
    written(place, "REMOTE_LORA")
    assert "training.mode" in str(CliRunner().invoke(app, ["migrate"]).exception)


def test_a_former_name_in_the_local_file_is_rewritten_there(place):
    written(place, "qlora")
    (place / "params.local.yaml").write_text("training:\n  mode: RAG # ours\n")
    CliRunner().invoke(app, ["migrate"])
    assert load_params(place).training.mode == "none"
    assert "mode: none # ours" in (place / "params.local.yaml").read_text()
    assert (place / "params.yaml").read_bytes() == SHIPPED.read_bytes()


def line_of(key):
    """The line of params.yaml that begins with a key, its comment included."""
    lines = (ROOT / "params.yaml").read_text().splitlines(keepends=True)
    return next(line for line in lines if line.lstrip().startswith(f"{key}:"))


def edited(place, *changes):
    text = (ROOT / "params.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (place / "params.yaml").write_text(text)
    return text


def test_what_was_set_by_hand_moves_with_its_comment_and_the_shipped_text_comes_back(place):
    before = edited(
        place,
        ("    source: .\n", "    source: .\n  shop: # the shop\n    source: /shop\n"),
        (line_of("rank"), "  rank: 8 # enough for us\n"),
        ("min_score: 0 #", "min_score: 0.2 #"),
        ("  keep: 10 ", "  # keep "),
    )
    values = load_params(place)
    said = json.loads(CliRunner().invoke(app, ["migrate", "--json"]).stdout)
    moved = {"from": "params.yaml", "to": "params.local.yaml"}
    assert said == [
        {"setting": "release.keep", "from": None, "to": 10},
        *({"setting": key, **moved} for key in ("projects.shop", "training.rank", "search.min_score")),
    ]
    assert (place / "params.yaml").read_bytes() == SHIPPED.read_bytes()
    text = (place / "params.local.yaml").read_text()
    assert yaml.safe_load(text) == {
        "projects": {"shop": {"source": "/shop"}},
        "training": {"rank": 8},
        "search": {"min_score": 0.2},
    }
    assert "  shop: # the shop\n" in text
    assert "  rank: 8 # enough for us\n" in text
    assert load_params(place) == values
    assert (place / "data" / "params.before-migrate.yaml").read_text() == before
    assert json.loads(CliRunner().invoke(app, ["migrate", "--json"]).stdout) == []


def test_a_second_migration_keeps_what_the_first_one_kept(place):
    files = [place / "data" / f"params.before-migrate{end}.yaml" for end in ("", "-2", "-3")]
    texts = []
    for file, rank in zip(files, (8, 4, 2), strict=True):
        texts.append(edited(place, ("  rank: 16 ", f"  rank: {rank} ")))
        said = CliRunner().invoke(app, ["migrate"]).stdout
        assert f"kept as {file.relative_to(place)}." in said
    assert [file.read_text() for file in files] == texts


def test_it_tells_each_change(place):
    edited(place, ("rank: 16", "rank: 8"), (line_of("passages"), ""))
    said = CliRunner().invoke(app, ["migrate"]).stdout
    assert "training.rank: params.yaml → params.local.yaml\n" in said
    assert "assistant.passages: missing → 5\n" in said
    assert "data/params.before-migrate.yaml" in said


def test_what_the_local_file_says_already_stays(place):
    edited(place, ("rank: 16", "rank: 8"), ("alpha: 32", "alpha: 64"))
    (place / "params.local.yaml").write_text("training:\n  rank: 4 # mine\n")
    CliRunner().invoke(app, ["migrate"])
    assert (load_params(place).training.rank, load_params(place).training.alpha) == (4, 64)
    assert "rank: 4 # mine" in (place / "params.local.yaml").read_text()


@pytest.mark.parametrize(
    "projects",
    [
        "{}",
        "{shop: {source: /shop}}",
        "{shop: {source: /shop}, nocturne: {source: .}}",
        "{nocturne: {source: ., forget: [a.py]}, shop: {source: /shop}}",
        "{nocturne: {source: /elsewhere}, shop: {source: /shop}}",
    ],
)
def test_the_projects_and_their_order_stay(place, projects):
    edited(place, (f"{line_of('projects')}  nocturne:\n    source: .\n", f"projects: {projects}\n"))
    values = load_params(place)
    CliRunner().invoke(app, ["migrate"])
    assert load_params(place) == values
    assert list(load_params(place).projects) == list(values.projects)
    assert (place / "params.yaml").read_bytes() == SHIPPED.read_bytes()


def test_nothing_moves_unless_a_person_asks(place):
    before = edited(place, ("rank: 16", "rank: 8"))
    CliRunner().invoke(app, ["releases"])
    assert (place / "params.yaml").read_text() == before
    assert not (place / "params.local.yaml").exists()


def test_what_a_person_must_still_mend_is_said_after_it(place):
    written(place, "RAG")
    text = (place / "params.yaml").read_text()
    (place / "params.yaml").write_text(text.replace("  keep: 10", "  keeps: 10"))
    said = CliRunner().invoke(app, ["migrate"])
    assert "training.mode: RAG → none" in said.stdout
    assert "params.local.yaml: unknown key `release.keeps`" in str(said.exception)


def test_a_project_that_is_null_in_params_yaml_is_no_reason_to_fail(place):
    edited(place, ("  nocturne:\n    source: .\n", "  nocturne: null\n"))
    CliRunner().invoke(app, ["migrate"])
    assert load_params(place).projects == {}
