"""The `nocturne` command: thin shells over plain functions. Errors are two lines, the fact and the next step."""

import sys
import traceback
from typing import Annotated

import typer

from pipelines.cli import assistant, indexes, interrupt, lineage, night, registries, releases, setup, training, watch
from pipelines.errors import NocturneError

app = typer.Typer(
    help="Learns your codebase every night, answers questions about it by day. Nothing leaves the machine.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"nocturne {version('nocturne')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


for command in (
    setup.add,
    night.nightly,
    night.status,
    assistant.search,
    assistant.ask,
    assistant.complete,
    releases.releases,
    releases.show,
    releases.compare,
    releases.promote,
    releases.rollback,
    releases.history,
    releases.gc,
    lineage.trace,
    lineage.forget,
    watch.watch,
    night.up,
    training.recommend,
    training.migrate,
    setup.doctor,
):
    app.command()(command)
app.add_typer(lineage.data, name="data")
app.add_typer(indexes.index, name="index")
app.add_typer(registries.registry, name="registry")


def main() -> None:
    """Entry point. Exit code: 0 done, 1 failed, 2 wrong use, 3 gates failed, 130 interrupted."""
    try:
        app()
    except SystemExit as ended:
        if ended.code == interrupt.EXIT_CODE:  # what typer makes of Ctrl-C
            print(interrupt.SENTENCE, file=sys.stderr)
        raise
    except NocturneError as error:
        sys.stdout.flush()
        print(f"{error.fact}\n→ {error.next_step}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception as error:
        log = night.crash_log()
        with log.open("a") as file:
            traceback.print_exc(file=file)
        words = " ".join(str(error).split())[:200]
        print(f"Unexpected {type(error).__name__}: {words}\n→ The details are in {log}.", file=sys.stderr)
        sys.exit(1)
