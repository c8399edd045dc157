"""A function and what a commit says of its change, to the function after it."""

from collections.abc import Iterator

from pipelines.dataset.recipes.recipe import QUERY_CHARS, Recipe, Sources, asked, draft
from pipelines.model import prompts
from pipelines.records import Record


def make(sources: Sources) -> Iterator[Record]:
    """One draft for each edit that lasted: what was reverted or soon fixed is nothing to imitate."""
    for edit in sources.edits():
        if not edit["fate"]:
            yield draft(
                edit,
                task="edits",
                **asked(sources, request(edit)),
                completion=edit["after"],
                query=f"{edit['message']}\n{edit['before']}"[:QUERY_CHARS],
                content=[edit["message"], edit["before"], edit["after"]],
                path_then=edit["path_then"],
            )


def request(edit: Record) -> str:
    """The words in which an edit is asked for."""
    return prompts.edit(edit["qualified_name"], edit["path"], edit["language"], edit["before"], edit["message"])


RECIPE = Recipe("edits", make, "commits that changed functions, with messages that say how")
