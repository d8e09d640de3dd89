"""Recipes made out of others."""

import pytest

from grice_core.errors import RecipeError
from grice_core.recipes.load import load_recipe
from grice_core.recipes.variants import joint_control, only_stages

GUIDE = load_recipe("content-then-manner")


def test_some_stages_are_another_recipe() -> None:
    second = only_stages(GUIDE, ["stage2"])
    assert second.name == "content-then-manner-stage2"
    assert second.stages == (GUIDE.stages[1],)
    assert second.evaluation == GUIDE.evaluation
    assert only_stages(GUIDE, ["stage2", "stage1"]) is GUIDE


def test_no_stage_is_no_recipe() -> None:
    with pytest.raises(RecipeError, match="choose at least one stage of content-then-manner"):
        only_stages(GUIDE, [])


def test_the_guides_control_is_the_built_in_one() -> None:
    assert joint_control(GUIDE) == load_recipe("joint")


def test_a_control_takes_over_thresholds_that_were_moved_and_the_first_stages_settings() -> None:
    recipe = load_recipe("demo", ["stage1.filter.sum too small.above=0.4"])
    control = joint_control(recipe)
    assert control.name == "demo-joint"
    (stage,) = control.stages
    assert stage.filter[0].filters == tuple(each.filter for each in recipe.stages)  # type: ignore[union-attr]
    assert control.control_stages == recipe.stages
    assert (stage.beta, stage.gradient_accumulation_steps) == (2.0, 16)
    assert stage.weights.as_array().tolist() == [1, 1, 1, 1]


def test_variants_ask_models_as_the_recipe_does() -> None:
    recipe = load_recipe("content-then-manner", ["prompt_format=chat"])
    assert joint_control(recipe).prompt_format == "chat"
    assert only_stages(recipe, ["stage2"]).prompt_format == "chat"


def test_a_control_has_no_control() -> None:
    with pytest.raises(RecipeError, match="is a control itself"):
        joint_control(load_recipe("joint"))
