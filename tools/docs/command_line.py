"""docs/cli.md: what `--help` says of every command, by typer's own writer."""

import typer
from typer.cli import get_docs_for_click

from pipelines.cli import app

HEAD = """\
<!-- Generated from the help texts in pipelines/cli/ by `make generate`; edit them there. -->
"""


def write_page() -> str:
    """The page: a section for each command and each command of a group."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="nocturne", title="Commands")
    title, rest = text.split("\n", 1)
    return f"{title}\n\n{HEAD}{rest.rstrip()}\n"
