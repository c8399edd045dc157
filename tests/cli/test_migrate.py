"""Former names of training types: accepted with a notice, rewritten by `migrate`."""

import json
import re

import pytest
import yaml
from conftest import ROOT
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.modes import FORMER
from pipelines.params import load_params


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
    text = (place / "params.yaml").read_text()
    assert re.search(rf"mode: {today} +# or lora", text)  # its comment stays
    assert yaml.safe_load(text)["training"]["mode"] == today
    assert "former name" not in CliRunner().invoke(app, ["releases"]).stderr


def test_todays_names_are_left_alone_byte_for_byte(place):
    written(place, "qlora")
    before = (place / "params.yaml").read_bytes()
    assert "today's names already" in CliRunner().invoke(app, ["migrate"]).stdout
    assert (place / "params.yaml").read_bytes() == before


def test_a_name_that_never_was_is_an_error(place):
    written(place, "REMOTE_LORA")
    assert "training.mode" in str(CliRunner().invoke(app, ["migrate"]).exception)
