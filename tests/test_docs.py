"""What is generated is what would be generated now, and says something of every setting and every command."""

import shlex

import pytest
import typer
import yaml
from conftest import ROOT

from pipelines.cli import app
from pipelines.config.layers import shipped_values
from tools.docs import settings
from tools.docs.generate import GENERATED, find_stale

PAGES = {name: (ROOT / name).read_text() for name in GENERATED}


def test_no_generated_file_is_stale():
    assert find_stale() == [], "run `make generate`"


def test_the_comments_of_params_yaml_change_no_value():
    assert yaml.safe_load(settings.write_params()) == shipped_values()


def test_every_setting_has_a_comment_in_params_yaml():
    lines = [line for line in PAGES["params.yaml"].splitlines() if line and not line.lstrip().startswith(("#", "-"))]
    assert [line for line in lines if " # " not in line] == ["  nocturne:", "    source: ."]


def test_a_key_that_the_schema_lacks_is_named(monkeypatch):
    monkeypatch.setattr(settings, "shipped_values", lambda: {**shipped_values(), "gate": []})
    with pytest.raises(ValueError, match="differ in gate; add"):
        settings.write_params()


def list_commands(command, before=""):
    for name, one in getattr(command, "commands", {}).items():
        yield f"{before}{name}", one
        yield from list_commands(one, f"{before}{name} ")


COMMANDS = dict(list_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_in_its_first_line_what_it_does(name):
    command = COMMANDS[name]
    assert command.help
    assert not command.get_short_help_str().endswith("..."), "its first sentence is cut short in the list of commands"
    assert f"# `nocturne {name}`" in PAGES["docs/cli.md"]


@pytest.mark.parametrize("name", [name for name, one in COMMANDS.items() if not hasattr(one, "commands")])
def test_the_examples_of_a_command_are_ones_that_it_takes(name):
    command = COMMANDS[name]
    examples = [line.split(f"nocturne {name}", 1)[1] for line in command.epilog.splitlines()[2:]]
    assert examples
    for example in examples:
        command.make_context(name, shlex.split(example))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_and_option_has_a_help(name):
    lacking = [one.name for one in COMMANDS[name].params if one.name != "help" and not one.help]
    assert lacking == []
