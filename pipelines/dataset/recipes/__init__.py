"""The recipes: what is asked, and what the repository itself answers. One module a recipe, named as its switch in
params.yaml; what all share is in `recipe.py`."""

from pipelines.dataset.recipes import (
    commit_edits,
    context,
    explain,
    fim,
    fim_block,
    implement,
    preference_pairs,
    questions,
    retrieval,
    tests,
)
from pipelines.dataset.recipes.recipe import Recipe, Sources
from pipelines.records.dataset import Draft

RECIPES: tuple[Recipe[Draft], ...] = (
    explain.RECIPE,
    implement.RECIPE,
    fim.RECIPE,
    fim_block.RECIPE,
    context.RECIPE,
    tests.RECIPE,
    retrieval.RECIPE,
    questions.RECIPE,
    commit_edits.RECIPE,
)
PAIRS = preference_pairs.RECIPE  # of preferences, not of examples

__all__ = ["PAIRS", "RECIPES", "Recipe", "Sources"]
