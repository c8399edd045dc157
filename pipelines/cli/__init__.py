"""The `nocturne` command: thin shells over plain functions. Errors are two lines, the fact and the next step."""

import sys
import traceback
from collections.abc import Callable
from typing import Annotated

import typer

from pipelines.cli import assistant, indexes, interrupt, lineage, night, registries, releases, setup, training, watch
from pipelines.cli.context import format_examples
from pipelines.errors import NocturneError

app = typer.Typer(
    help="Learns your codebase every night, answers questions about it by day. Nothing leaves the machine.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=True,
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
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


# In the order of `--help`, each with examples of its use.
COMMANDS: dict[Callable[..., None], tuple[str, ...]] = {
    setup.add: ("nocturne add shop ~/src/shop",),
    night.nightly: ("nocturne nightly", "nocturne nightly shop --force"),
    night.status: ("nocturne status", "nocturne status shop --json"),
    assistant.search: (
        'nocturne search "retry with backoff"',
        'nocturne search "lang:go path:internal/ -path:vendor retry" --limit 20',
    ),
    assistant.ask: ('nocturne ask "where are tokens checked?"', 'nocturne ask "how is a release made?" --generate'),
    assistant.complete: ("nocturne complete src/app.py:12", "nocturne complete src/app.py:12:20"),
    releases.releases: ("nocturne releases",),
    releases.show: ("nocturne show 3",),
    releases.compare: ("nocturne compare 2 3",),
    releases.promote: ("nocturne promote 3",),
    releases.rollback: ("nocturne rollback", "nocturne rollback --to 2"),
    releases.history: ("nocturne history",),
    releases.gc: ("nocturne gc --dry-run", "nocturne gc --now"),
    lineage.trace: ("nocturne trace src/app.py", "nocturne trace src/app.py:12"),
    lineage.forget: ('nocturne forget "src/legacy/**"',),
    watch.watch: ("nocturne watch",),
    night.up: ("nocturne up", "nocturne up --prefect-port 4201"),
    training.recommend: ("nocturne recommend",),
    training.migrate: ("nocturne migrate",),
    setup.doctor: ("nocturne doctor",),
}
for command, examples in COMMANDS.items():
    app.command(epilog=format_examples(*examples))(command)
app.add_typer(lineage.data, name="data")
app.add_typer(indexes.index, name="index")
app.add_typer(registries.registry, name="registry")


def main() -> None:
    """Entry point. Exit code: 0 done, 1 failed, 2 wrong use, 3 gates failed, 130 interrupted."""
    try:
        app(prog_name="nocturne")  # completion scripts ask for this name, however the command was started
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
        print(f"Unexpected {type(error).__name__}: {words}\n→ Read the details in {log}.", file=sys.stderr)
        sys.exit(1)
