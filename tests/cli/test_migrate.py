"""What earlier versions wrote into params.yaml: rewritten by `migrate`, comments and all."""

import json
import re

import pytest
import yaml
from conftest import ROOT
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.errors import UsageError
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
    assert "written as today already" in CliRunner().invoke(app, ["migrate"]).stdout
    assert (place / "params.yaml").read_bytes() == before


def test_a_name_that_never_was_is_an_error(place):
    written(place, "REMOTE_LORA")
    assert "training.mode" in str(CliRunner().invoke(app, ["migrate"]).exception)


FORMER_GATES = """gates: # when it may go live
  # our own words on the gain
  min_gain: 0.04 # measured on our code
  champion_margin: 0.01 # tight

"""


def with_former_gates(place):
    text = (ROOT / "params.yaml").read_text()
    before, after = text.index("gates:"), text.index("release:\n")
    (place / "params.yaml").write_text(text[:before] + FORMER_GATES + text[after:])
    return text[:before], text[after:]


def test_former_gates_are_an_error_that_names_the_command_and_become_rules_with_their_comments(place):
    before, after = with_former_gates(place)
    with pytest.raises(UsageError, match="a mapping of margins") as error:
        load_params(place)
    assert "nocturne migrate" in error.value.next_step
    said = CliRunner().invoke(app, ["migrate"])
    assert said.exit_code == 0
    assert "gates: min_gain 0.04, champion_margin 0.01 → `better than the base` by 0.04" in said.stdout
    gates = load_params(place).gates
    assert [(gate.against, gate.margin, gate.confidence, gate.severity) for gate in gates] == [
        ("base", 0.04, 0.95, "block"),
        ("champion", 0.01, 0.95, "block"),
    ]
    text = (place / "params.yaml").read_text()
    assert text.startswith(before)
    assert text.endswith(after)
    section = text[len(before) : -len(after)]
    assert section.splitlines()[0] == "gates: # when it may go live"
    assert section.splitlines()[1].strip() == "# our own words on the gain"
    assert re.search(r"- \{name: better than the base, .*severity: block\} +# measured on our code\n", section)
    assert re.search(r"- \{name: not worse than the champion, .*severity: block\} +# tight\n\n$", section)
    assert CliRunner().invoke(app, ["migrate", "--json"]).stdout.strip() == "[]"


def test_what_a_person_must_still_mend_is_said_after_it(place):
    with_former_gates(place)
    text = (place / "params.yaml").read_text()
    (place / "params.yaml").write_text(re.sub(r"\n  keep: .*", "", text))
    said = CliRunner().invoke(app, ["migrate"])
    assert "gates: " in said.stdout
    assert "`release.keep` is missing" in str(said.exception)
