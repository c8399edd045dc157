"""Pairs for preference tuning: a version that was reverted or soon fixed, and the one that replaced it."""

from collections.abc import Iterator

from pipelines.dataset.recipes import commit_edits
from pipelines.dataset.recipes.recipe import Recipe, Sources, format_messages, make_draft
from pipelines.lm import prompts
from pipelines.records import Record


def make(sources: Sources) -> Iterator[Record]:
    """One pair for each edit that did not last and whose replacement is known; none of a held-out file."""
    for edit in sources.edits():
        if not edit["replaced_by"] or edit["path"] in sources.held_out:
            continue
        for request, chosen, rejected in _make_pairs(edit, edit["replaced_by"]):
            yield make_draft(
                edit,
                task="preference_pairs",
                **format_messages(sources, request),
                chosen=chosen,
                rejected=rejected,
                content=[request, chosen, rejected],
                path_then=edit["path_then"],
            )


def _make_pairs(edit: Record, replacement: Record) -> Iterator[tuple[str, str, str]]:
    """Request, chosen and rejected: of bodies where the signature stayed, and something says what the body shall do.

    A reverted edit whose signature differs gives none: there is no request that both versions answer.
    """
    name, path, language = edit["qualified_name"], edit["path"], edit["language"]
    doc, signature = replacement["doc"], replacement["signature"]
    fixed = edit["fate"] == "fixed"
    if signature == edit["signature"] and (doc or not fixed):
        request = prompts.implement_prompt(name, path, language, doc, signature)
        yield request, replacement["body"], edit["body"]
    elif fixed:
        yield commit_edits.format_request(edit), replacement["code"], edit["after"]


RECIPE = Recipe(
    "preference_pairs", make, "functions that a later commit reverted, or fixed within history.fixed_within_days"
)
