"""The recipes: what is asked, and what the repository itself answers. One module a recipe, named as its switch in
params.yaml; what all share is in `recipe.py`."""

from pipelines.dataset.recipes import (
    complete,
    context,
    edits,
    explain,
    implement,
    negatives,
    questions,
    retrieval,
    scope,
    tests,
)
from pipelines.dataset.recipes.recipe import Recipe, Sources

RECIPES: tuple[Recipe, ...] = (
    explain.RECIPE,
    implement.RECIPE,
    complete.RECIPE,
    scope.RECIPE,
    context.RECIPE,
    tests.RECIPE,
    retrieval.RECIPE,
    questions.RECIPE,
    edits.RECIPE,
)
PAIRS = negatives.RECIPE  # of preferences, not of examples

__all__ = ["PAIRS", "RECIPES", "Recipe", "Sources"]
