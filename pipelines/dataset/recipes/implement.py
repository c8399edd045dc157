"""Documentation and signature to the body."""

from collections.abc import Iterator

from pipelines.dataset.recipes.recipe import QUERY_CHARS, Recipe, Sources, format_messages, make_draft
from pipelines.lm import prompts
from pipelines.records.dataset import Draft
from pipelines.records.extraction import Span

MIN_BODY_CHARS = 20


def make(sources: Sources) -> Iterator[Draft]:
    """One draft for each documented function or method that has a body to speak of."""
    for symbol in sources.documented():
        if symbol["kind"] == "class" or len(symbol["body"]) < MIN_BODY_CHARS:
            continue
        doc, signature = symbol["doc"], symbol["signature"]
        request = prompts.implement_prompt(symbol["qualified_name"], symbol["path"], symbol["language"], doc, signature)
        place: Span = {
            "start_byte": symbol["body_start_byte"],
            "end_byte": symbol["body_end_byte"],
            "start_line": symbol["start_line"],
            "end_line": symbol["end_line"],
        }
        yield make_draft(
            symbol,
            place,
            format_messages(sources, request),
            task="implement",
            completion=symbol["body"],
            query=f"{doc}\n{signature}"[:QUERY_CHARS],
            content=[doc, signature, symbol["body"]],
        )


RECIPE = Recipe("implement", make, "functions with documentation of at least dataset.min_doc_chars")
