"""Code to its documentation: the code is shown without it."""

from collections.abc import Iterator

from pipelines.dataset.recipes.recipe import QUERY_CHARS, Recipe, Sources, format_messages, make_draft
from pipelines.lm import prompts
from pipelines.records.dataset import Draft


def make(sources: Sources) -> Iterator[Draft]:
    """One draft for each documented symbol."""
    for symbol in sources.documented():
        name, code = symbol["qualified_name"], symbol["code"]
        yield make_draft(
            symbol,
            symbol,
            format_messages(sources, prompts.explain_prompt(name, symbol["path"], symbol["language"], code)),
            task="explain",
            completion=symbol["doc"],
            query=f"{name}\n{code}"[:QUERY_CHARS],
            content=[code, symbol["doc"]],
        )


RECIPE = Recipe("explain", make, "symbols with documentation of at least dataset.min_doc_chars")
