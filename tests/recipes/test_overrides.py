"""`--set` reaches every field of a recipe, and says so where it can't."""

import pytest

from grice_core.errors import RecipeError
from grice_core.recipes.load import load_recipe, parse_recipe


def problem_of(*overrides: str, recipe: str = "content-then-manner") -> str:
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe, overrides)
    return str(caught.value).removeprefix(f"recipe {recipe!r}: ")


def test_fields_are_set_by_their_dotted_names() -> None:
    recipe = load_recipe(
        "content-then-manner",
        [
            "stage1.epochs=1",
            "stage1.lora.r=8",
            "stage1.learning_rate=1e-4",
            "stage2.weights.relation=0.5",
            "stages.stage2.title=style",
            "stages.1.max_length=256",
            "evaluation.num_prompts=50",
            "holdout_share = 0.2",
        ],
    )

    first, second = recipe.stages
    assert (first.epochs, first.lora.r, first.learning_rate) == (1, 8, 1e-4)
    assert second.weights.as_array().tolist() == [0, 0, 0.5, 1]
    assert (second.title, second.max_length) == ("style", 256)
    assert (recipe.evaluation.num_prompts, recipe.holdout_share) == (50, 0.2)
    assert second.lora.r == 16


def test_rules_are_set_by_name_or_index() -> None:
    recipe = load_recipe(
        "content-then-manner",
        ["stage1.filter.no strong signal.above=0.25", "stage2.filter.0.above=0.1"],
    )

    thresholds = [[rule.model_dump()["above"] for rule in stage.filter] for stage in recipe.stages]
    assert thresholds == [[0.25, 0.1], [0.1, -0.1, -0.1]]


def test_the_last_override_of_a_field_counts() -> None:
    recipe = load_recipe("content-then-manner", ["stage1.epochs=1", "stage1.epochs=3"])
    assert recipe.stages[0].epochs == 3


def test_settings_that_two_stages_share_by_an_alias_are_set_in_one_alone() -> None:
    text = """\
name: mine
stages:
  - &first {name: a, weights: {manner: 1}, learning_rate: 1, beta: 1, lora: &lora {r: 4}}
  - {name: b, weights: {manner: 1}, learning_rate: 1, beta: 1, lora: *lora}
"""
    recipe = parse_recipe(text, "mine.yaml", ["b.lora.r=2"])
    assert [stage.lora.r for stage in recipe.stages] == [4, 2]


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("stage1.epochs", "stage1.epochs: is no override; write name=value"),
        ("stage3.epochs=1", "stage3.epochs: no stage or setting is named 'stage3'; did you mean"),
        ("holdout=0.1", "holdout: no stage or setting is named 'holdout'; did you mean 'holdout_share'?"),
        ("stage1.epoch=1", "stage1.epoch: is not a setting; did you mean 'epochs'?"),
        ("stage1.lora.rank=1", "stage1.lora.rank: is not a setting; there are: alpha, dropout, r,"),
        ("stage1.lorra.r=1", "stage1.lorra: is not a setting; did you mean 'lora'?"),
        ("stage2.filter.maner.above=0", "stage2.filter.maner.above: nothing is named 'maner'; did you mean 'manner'?"),
        ("stage2.filter.3.above=0", "stage2.filter.3.above: nothing is named '3'; there are: manner,"),
        ("stage2.filter.manner.over=0", "stage2.filter.manner.over: is not a setting; did you mean 'above'?"),
        ("stage1.learning_rate=-1", "stage1.learning_rate: must be greater than 0 (got -1)"),
        ("stage1.beta=[", "stage1.beta: not valid YAML: expected the node content"),
        ("stage1.title=", "stage1.title: must be text (got None)"),
        ("evaluation=3", "evaluation: must be a mapping (got 3)"),
        ("stage1.weights={quantity: 0}", "stage1.weights: at least one maxim needs a weight above 0"),
        ("stage1.lora.target_modules=c_attn",
         "stage1.lora.target_modules: must be 'auto' or 'all-linear' or must be a list (got 'c_attn')"),
    ],
)  # fmt: skip
def test_an_override_that_can_not_be_is_named(override: str, problem: str) -> None:
    message = problem_of(override)
    assert message.startswith(problem)
    assert message.endswith(f"[--set {override}]")


def test_problems_of_several_overrides_are_told_together() -> None:
    lines = problem_of("stage1.epochs=0", "nothing=1", "stage2.beta=0").splitlines()

    assert lines[0] == "recipe 'content-then-manner' has 3 problems:"
    assert [line.split("[--set ")[1] for line in lines[1:]] == [
        "nothing=1]",
        "stage1.epochs=0]",
        "stage2.beta=0]",
    ]
