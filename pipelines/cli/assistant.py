"""`search`, `ask`, `complete`: the assistant, on whatever `champion` points to at this moment."""

import re
from dataclasses import asdict, replace
from textwrap import indent
from typing import Annotated

import typer

from pipelines.cli.context import Json, ProjectName, open_project, path_in_source, print_json

NOTHING = "No passage was found."
INDENT = " " * 7  # under the path
FILTERS = (
    "Filters: lang:go, path:internal/, kind:function, symbol:Foo, commit:1a2b3c4, commit:uncommitted, complexity:10 "
    '(10 or more). A - before a filter excludes: "retry -kind:test". Quotes keep a space: path:"my folder".'
)


def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help=f"Words, code or a question. {FILTERS}")],
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, help="Number of hits, at most.")] = 10,
    lines: Annotated[int, typer.Option("--lines", metavar="N", min=0, help="Lines to show of each hit; 0 = none.")] = 2,
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Search code by meaning, keywords and names.

    Each hit has its score, path and lines, the symbol, and its first lines. "changed since" marks a file that is not
    what was indexed; "uncommitted" marks one that is in no commit yet.
    """
    from pipelines.assistant.hit_view import to_view
    from pipelines.assistant.search import search as find
    from pipelines.release.index_versions import open_served

    place, params = open_project(project)
    hits, notices = open_served(place, params, lambda live: find(place, params, live, text, limit))
    for notice in notices:
        typer.echo(notice, err=True)
    found = to_view(place, hits, lines)
    if json:
        print_json(found)
        return
    if not hits:
        least = params.search.min_score
        typer.echo(f"No passage scores search.min_score ({least:g}) or more." if least else NOTHING, err=True)
    for hit in found:
        where = f"{hit['path']}:{hit['start_line']}-{hit['end_line']}"
        typer.echo("  ".join(filter(None, (f"{hit['score']:.3f}", where, hit["symbol"], hit["state"]))))
        if hit["preview"]:
            typer.echo(indent(hit["preview"], INDENT))


def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help=f"A question about the code. {FILTERS}")],
    generate: Annotated[
        bool,
        typer.Option(
            "--generate",
            help="Let the live model write the answer instead of quoting. Default: the setting assistant.answer.",
        ),
    ] = False,
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Answer a question about the code.

    The answer has numbered citations: path and lines, commit, score and symbol.
    """
    from pipelines.assistant.answer import ask as answer
    from pipelines.release.index_versions import open_served

    place, params = open_project(project)
    written = generate or params.assistant.answer == "generate"
    found, notices = open_served(place, params, lambda live: answer(place, params, live, question, written))
    found = replace(found, notices=[*notices, *found.notices])
    if json:
        print_json(asdict(found))
        return
    for notice in found.notices:
        typer.echo(notice, err=True)
    typer.echo(found.text)
    if found.citations:
        typer.echo()
    for one in found.citations:
        where = f"[{one.number}] {one.path}:{one.start_line}-{one.end_line}"
        typer.echo("  ".join(filter(None, (where, one.commit[:7], f"{one.score:.3f}", one.symbol, one.state))))


def complete(
    where: Annotated[
        str,
        typer.Argument(
            metavar="PATH:LINE[:COLUMN]",
            help="Where to write: the end of this line, or this column of it. Both count from 1.",
        ),
    ],
    project: ProjectName = None,
    json: Json = False,
) -> None:
    """Write the code that fits at a place.

    The live model fills in the middle: it sees the text before the place and the text after it.
    """
    from pipelines.assistant.complete import complete as continue_at
    from pipelines.errors import UsageError
    from pipelines.registry.champion_cache import read_champion

    found = re.fullmatch(r"(.+?):(\d+)(?::(\d+))?", where)
    if found is None:
        raise UsageError(f"`{where}` is not PATH:LINE.", "Write it such as `nocturne complete src/app.py:12`.")
    path, line, column = found.groups()
    place, params = open_project(project)
    at = None if column is None else int(column)
    written = continue_at(place, params, read_champion(place), path_in_source(place, path), int(line), at)
    if json:
        print_json(asdict(written))
        return
    for notice in written.notices:
        typer.echo(notice, err=True)
    typer.echo(written.text)
