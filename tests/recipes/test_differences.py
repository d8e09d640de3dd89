"""Settings that differ."""

from grice_core.recipes.differences import Difference, differences, differences_among
from grice_core.recipes.load import DEFAULT_RECIPE, load_recipe


def test_a_recipe_does_not_differ_from_itself() -> None:
    assert differences(load_recipe(DEFAULT_RECIPE), load_recipe(DEFAULT_RECIPE)) == []


def test_what_was_set_is_named_as_it_was_set() -> None:
    changed = load_recipe(DEFAULT_RECIPE, ["stage1.learning_rate=1e-4", "stage2.lora.r=8"])
    assert differences(changed, load_recipe(DEFAULT_RECIPE)) == [
        Difference("stage1.learning_rate", "0.0001", "5e-05"),
        Difference("stage2.lora.r", "8", "16"),
    ]


def test_the_prompt_format_is_told_though_its_usual_value_is_left_out_of_json() -> None:
    plain = load_recipe(DEFAULT_RECIPE, ["prompt_format=plain"])
    usual = load_recipe(DEFAULT_RECIPE)
    assert differences(plain, usual) == [Difference("prompt_format", "plain", "auto")]
    assert differences(usual, plain) == [Difference("prompt_format", "auto", "plain")]


def test_a_loss_is_told_though_the_usual_one_is_left_out_of_json() -> None:
    ipo = load_recipe(DEFAULT_RECIPE, ["stage1.loss_type=ipo", "stage1.accumulation=8"])
    assert differences(ipo, load_recipe(DEFAULT_RECIPE)) == [
        Difference("stage1.loss_type", "ipo", "dpo"),
        Difference("stage1.gradient_accumulation_steps", "8", "4"),
    ]


def test_a_threshold_goes_by_the_name_of_its_rule() -> None:
    changed = load_recipe(DEFAULT_RECIPE, ["stage1.filter.0.above=0.4"])
    (found,) = differences(changed, load_recipe(DEFAULT_RECIPE))
    assert found.name.startswith("stage1.filter.")
    assert found.name.endswith(".above")
    assert (found.here, found.there) == ("0.4", "0.3")


def test_a_stage_that_one_recipe_lacks_is_absent_there() -> None:
    found = {d.name: d for d in differences(load_recipe("joint"), load_recipe(DEFAULT_RECIPE))}
    assert found["stage2.learning_rate"] == Difference("stage2.learning_rate", "–", "3e-05")


def test_among_several_recipes_only_what_is_not_the_same_everywhere_is_told() -> None:
    recipes = [load_recipe("content-then-manner", changes) for changes in ([], ["stage1.beta=0.1"])]
    assert differences_among([*recipes, recipes[0]]) == [("stage1.beta", ("0.05", "0.1", "0.05"))]
    assert differences_among([recipes[0], recipes[0]]) == []
