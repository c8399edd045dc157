"""What a function depends on, then its signature, to its body."""

from collections.abc import Iterator

from pipelines.dataset.call_resolution import CallResolver
from pipelines.dataset.recipes.implement import MIN_BODY_CHARS
from pipelines.dataset.recipes.recipe import (
    QUERY_CHARS,
    LicensedSymbol,
    Recipe,
    Sources,
    format_messages,
    make_draft,
    place_of,
)
from pipelines.lm import prompts
from pipelines.records.dataset import Draft

FRAME_TOKENS = 16  # the fence around the declarations, and what joining them may cost


def make(sources: Sources) -> Iterator[Draft]:
    """One draft for each function or method that calls another definition of the repository.

    `source[start_byte:end_byte]` is the completion.
    """
    callees = CallResolver(sources.symbols())
    for symbol in sources.symbols():
        if symbol["kind"] not in ("function", "method") or len(symbol["body"].strip()) < MIN_BODY_CHARS:
            continue
        called = [
            one for _, one in callees.of(symbol, sources.may_show) if sources.plain(one["doc"] + one["signature"])
        ]
        if called:
            yield _draft(sources, symbol, called)


def _draft(sources: Sources, symbol: LicensedSymbol, called: list[LicensedSymbol]) -> Draft:
    language, path, doc, signature = symbol["language"], symbol["path"], symbol["doc"], symbol["signature"]
    request = prompts.implement_prompt(symbol["qualified_name"], path, language, doc, signature)
    bare = format_messages(sources, request)
    shown = _choose_fitting(sources, symbol, called, sources.room(bare["prompt"], symbol["body"]))
    return make_draft(
        symbol,
        place_of(sources.source(path), symbol["body_start_byte"], symbol["body_end_byte"]),
        format_messages(sources, prompts.add_declarations(request, language, shown)),
        task="context",
        completion=symbol["body"],
        query=f"{doc}\n{signature}"[:QUERY_CHARS],
        content=[doc, signature, symbol["body"]],
    )


def _choose_fitting(sources: Sources, symbol: LicensedSymbol, called: list[LicensedSymbol], room: int) -> list[str]:
    """The declarations that a symbol depends on, dependencies first, then its own imports.

    The first dependency is always among them; the imports and the others as far as `dataset.context_tokens` and the
    `room` that the example has left allow.
    """
    language = symbol["language"]
    first, *others = [prompts.list_declarations(language, one["path"], one["doc"], one["signature"]) for one in called]
    imports = [prompts.list_declarations(language, symbol["path"], "", *symbol["imports"])] if symbol["imports"] else []
    left = min(room, sources.params.context_tokens) - FRAME_TOKENS - sources.tokens(first)
    kept = {first}
    for one in [*imports, *others]:
        cost = sources.tokens(one) + 1
        if cost <= left and one not in kept:
            kept.add(one)
            left -= cost
    return [one for one in dict.fromkeys([first, *others, *imports]) if one in kept]


RECIPE = Recipe("context", make, "functions that call functions or classes of the repository")
