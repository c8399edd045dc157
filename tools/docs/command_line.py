"""docs/cli.md: what `--help` says of every command, by typer's own writer."""

import re

import typer
from typer.cli import get_docs_for_click

from pipelines.cli import app

EXAMPLES = re.compile(r"\x08\nExamples:\n((?:  .+\n?)+)")
HEAD = """\
<!-- Generated from the help texts in pipelines/cli/ by `make generate`; edit them there. -->

- A command without a project's name means the project around the current folder, else the first one.
- `nocturne --install-completion` makes the shell complete commands, options and project names. Open a new shell then.
- Exit codes: 0 done, 1 failed, 2 wrong use, 3 the adapter failed its gates, 130 interrupted.
- An error is two lines: the fact, then the next step after an arrow.
"""


def write_page() -> str:
    """The page: a section for each command and each command of a group."""
    command = typer.main.get_command(app)
    context = typer.Context(command, help_option_names=["-h", "--help"])
    text = get_docs_for_click(obj=command, ctx=context, name="nocturne", title="Commands")
    title, rest = _fence_examples(text).split("\n", 1)
    return f"{title}\n\n{HEAD}{rest.rstrip()}\n"


def _fence_examples(text: str) -> str:
    """The lines of `format_examples` as a code block."""
    return EXAMPLES.sub(lambda found: f"**Examples**:\n\n```console\n{_prompt(found[1])}\n```\n", text)


def _prompt(lines: str) -> str:
    return "\n".join(f"$ {line.strip()}" for line in lines.splitlines())
