"""A function and what a commit says of its change, to the function after it."""

from collections.abc import Iterator

from pipelines.dataset.recipes.recipe import QUERY_CHARS, Recipe, Sources, format_messages, make_draft
from pipelines.lm import prompts
from pipelines.records import Record


def make(sources: Sources) -> Iterator[Record]:
    """One draft for each edit that lasted: what was reverted or soon fixed is nothing to imitate."""
    for edit in sources.edits():
        if not edit["fate"]:
            yield make_draft(
                edit,
                task="commit_edits",
                **format_messages(sources, format_request(edit)),
                completion=edit["after"],
                query=f"{edit['message']}\n{edit['before']}"[:QUERY_CHARS],
                content=[edit["message"], edit["before"], edit["after"]],
                path_then=edit["path_then"],
            )


def format_request(edit: Record) -> str:
    """The words in which an edit is asked for."""
    return prompts.edit_prompt(edit["qualified_name"], edit["path"], edit["language"], edit["before"], edit["message"])


RECIPE = Recipe("commit_edits", make, "commits that changed functions, with messages that say how")
