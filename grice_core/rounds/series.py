"""Which stages of a recipe are the rounds of one series: `round1`, `round2` and so on."""

from grice_core.recipes.config import Recipe, StageConfig


def rounds_before(recipe: Recipe, number: int) -> tuple[StageConfig, ...]:
    """The rounds of the same series before a stage, which is counted from 0."""
    stages, first = recipe.stages, number
    while (stages[first].round or 1) > 1 and first > 0 and stages[first - 1].is_from_model:
        first -= 1
    return stages[first:number]


def num_rounds(recipe: Recipe, name: str) -> int:
    """How many rounds the series has that a stage belongs to."""
    names = [stage.name for stage in recipe.stages]
    last = names.index(name)
    while last + 1 < len(names) and (recipe.stages[last + 1].round or 1) > 1:
        last += 1
    return len(rounds_before(recipe, last)) + 1
