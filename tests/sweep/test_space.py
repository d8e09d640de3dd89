"""What a search may change, as it is typed."""

from collections.abc import Sequence

import pytest

from grice_core.errors import InputError, RecipeError
from grice_core.recipes.config import Recipe
from grice_core.recipes.load import load_recipe
from grice_core.sweep.space import Choices, Range, checked, parse_varied, value_in


def recipe_of(overrides: Sequence[str]) -> Recipe:
    return load_recipe("content-then-manner", overrides)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("stage2.beta=0.05..0.5", Range("stage2.beta", 0.05, 0.5, is_whole=False, is_log=False)),
        (
            "stage1.learning_rate = 1e-5..1e-3:log",
            Range("stage1.learning_rate", 1e-5, 1e-3, is_whole=False, is_log=True),
        ),
        ("stage1.epochs=1..3", Range("stage1.epochs", 1, 3, is_whole=True, is_log=False)),
        (
            "stage2.filter.manner.above=-0.1..0.3",
            Range("stage2.filter.manner.above", -0.1, 0.3, is_whole=False, is_log=False),
        ),
        ("stage2.loss_type=dpo, ipo", Choices("stage2.loss_type", ("dpo", "ipo"))),
    ],
)
def test_ranges_and_choices_are_read_and_fit_the_recipe(text: str, meant: Range | Choices) -> None:
    varied = parse_varied(text)
    assert varied == meant
    assert parse_varied(str(varied)) == varied
    checked([varied], recipe_of)


@pytest.mark.parametrize(
    "override",
    ["stage2.beta=0.07", "stage1.lora.r=8", "stage2.filter.manner.above=0.1", "holdout_share=0.2"],
)
def test_what_a_recipe_says_of_a_field_is_found_by_the_name_that_sets_it(override: str) -> None:
    name, _, value = override.partition("=")
    assert value_in(recipe_of([override]), name) == value
    assert value_in(recipe_of([]), f"{name}.nothing") == ""


def test_what_a_recipe_leaves_out_since_it_is_usual_is_found_too() -> None:
    assert value_in(recipe_of([]), "stage2.keep") == "last"
    assert value_in(recipe_of([]), "stage2.loss_type") == "dpo"
    checked([parse_varied("stage2.keep=last,best")], recipe_of)


def test_values_reach_the_recipe_as_they_are() -> None:
    rate = parse_varied("stage1.learning_rate=1e-5..1e-3:log")
    assert recipe_of([rate.override(5e-05)]).stages[0].learning_rate == 5e-05
    epochs = parse_varied("stage1.epochs=1..3")
    assert recipe_of([epochs.override(3)]).stages[0].epochs == 3


@pytest.mark.parametrize(
    "text",
    [
        "stage2.beta",
        "stage2.beta=",
        "=1..2",
        "stage2.beta=0.1",
        "stage2.beta=0.1,0.1",
        "stage2.beta=a..b",
        "stage2.beta=0.5..0.1",
        "stage2.beta=0.1..0.1",
        "stage2.beta=0..1:log",
        "stage2.beta=0.1..1:linear",
        "stage2.beta=0.1..inf",
        "stage2.beta=0.1..nan",
    ],
)
def test_what_is_no_range_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InputError, match=r"--vary"):
        parse_varied(text)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ((), "nothing is varied"),
        (("stage2.beta=0.1..0.2", "stage2.beta=0.1..0.3"), "name each field once"),
    ],
)
def test_a_space_needs_fields_of_different_names(texts: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        checked([parse_varied(text) for text in texts], recipe_of)


@pytest.mark.parametrize(
    "text", ["stage3.beta=0.1..0.2", "stage2.bet=0.1..0.2", "stage2.beta=-1..1", "seed=1..3"]
)
def test_values_that_a_recipe_does_not_take_are_refused_before_anything_runs(text: str) -> None:
    with pytest.raises(RecipeError):
        checked([parse_varied(text)], recipe_of)
