"""Documentation and signature to the body."""

from collections.abc import Iterator

from pipelines.dataset.recipes.recipe import QUERY_CHARS, Recipe, Sources, format_messages, make_draft
from pipelines.lm import prompts
from pipelines.records import Record

MIN_BODY_CHARS = 20


def make(sources: Sources) -> Iterator[Record]:
    """One draft for each documented function or method that has a body to speak of."""
    for symbol in sources.documented():
        if symbol["kind"] == "class" or len(symbol["body"]) < MIN_BODY_CHARS:
            continue
        doc, signature = symbol["doc"], symbol["signature"]
        request = prompts.implement_prompt(symbol["qualified_name"], symbol["path"], symbol["language"], doc, signature)
        yield make_draft(
            symbol,
            task="implement",
            **format_messages(sources, request),
            completion=symbol["body"],
            query=f"{doc}\n{signature}"[:QUERY_CHARS],
            content=[doc, signature, symbol["body"]],
            start_byte=symbol["body_start_byte"],
            end_byte=symbol["body_end_byte"],
        )


RECIPE = Recipe("implement", make, "functions with documentation of at least dataset.min_doc_chars")
