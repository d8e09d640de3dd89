"""Recipes made out of others: some of their stages, or the joint control."""

from collections.abc import Collection

from grice_core.data.rules import KeptByRule
from grice_core.errors import RecipeError
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import MaximWeights, Recipe
from grice_core.recipes.load import DEFAULT_RECIPE


def only_stages(recipe: Recipe, names: Collection[str]) -> Recipe:
    """A recipe of some of the stages, in their order.

    Raises:
        RecipeError: none of the stages has such a name, or the stages are a control's.
    """
    kept = tuple(stage for stage in recipe.stages if stage.name in names)
    if not kept:
        raise RecipeError(f"choose at least one stage of {recipe.name}")
    if kept == recipe.stages:
        return recipe
    name = "-".join([recipe.name, *(stage.name for stage in kept)])
    return Recipe.model_validate(
        recipe.model_dump() | {"name": name, "stages": [stage.model_dump() for stage in kept]}
    )


def joint_control(recipe: Recipe) -> Recipe:
    """One stage on the data's pairs that any stage keeps, all maxims alike, as many optimizer steps.

    Its other settings are those of the recipe's first stage. For the default recipe this is the
    built-in `joint`.

    Raises:
        RecipeError: the recipe is a control itself, or has no stage on the data's pairs.
    """
    if recipe.control_for is not None:
        raise RecipeError(f"{recipe.name} is a control itself")
    stages = tuple(stage for stage in recipe.stages if not stage.is_from_model)
    if not stages:
        raise RecipeError(f"no stage of {recipe.name} takes its pairs from the data")
    kept = KeptByRule(name="kept by no stage", filters=tuple(stage.filter for stage in stages))
    first = stages[0].model_copy(
        update={
            "name": "stage1",
            "title": "joint",
            "filter": (kept,),
            "weights": MaximWeights.model_validate(dict.fromkeys(MAXIMS, 1)),
            "epochs": 2,
            "num_steps": None,
        }
    )
    return Recipe(
        name="joint" if recipe.name == DEFAULT_RECIPE else f"{recipe.name}-joint",
        description="One stage with all four maxims, to see whether staging helped.",
        control_for=recipe.name,
        holdout_share=recipe.holdout_share,
        prompt_format=recipe.prompt_format,
        stages=(first,),
        evaluation=recipe.evaluation,
        control_stages=stages,
    )
