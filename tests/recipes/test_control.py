"""A control takes over pairs and steps of another recipe, and only of one that is no control."""

from pathlib import Path

import pytest

from grice_core.data.rules import KeptByRule
from grice_core.errors import RecipeError
from grice_core.recipes.documents import to_yaml
from grice_core.recipes.load import load_recipe, parse_recipe

STAGE = "weights: {manner: 1}, learning_rate: 1e-3, beta: 0.1"
CONTROLLED = f"""\
name: theirs
stages:
  - {{name: one, {STAGE}, filter: [{{kind: sum, name: manner, maxims: [manner], above: 0.5}}]}}
"""
CONTROL = f"""\
name: ours
control_for: theirs.yaml
stages:
  - {{name: all, {STAGE}, filter: [{{kind: kept_by_control, name: kept by no stage}}]}}
"""


@pytest.fixture
def control(tmp_path: Path) -> Path:
    """A control's file, beside the file of the recipe that it controls for."""
    (tmp_path / "theirs.yaml").write_text(CONTROLLED)
    path = tmp_path / "ours.yaml"
    path.write_text(CONTROL)
    return path


def test_a_file_is_found_beside_the_control(control: Path) -> None:
    recipe = load_recipe(control)
    theirs = load_recipe(control.with_name("theirs.yaml"))

    assert recipe.stages[0].filter == (
        KeptByRule(name="kept by no stage", filters=(theirs.stages[0].filter,)),
    )
    assert recipe.control_stages == theirs.stages


def test_what_show_prints_can_be_moved_elsewhere(control: Path, tmp_path: Path) -> None:
    recipe = load_recipe(control)
    elsewhere = tmp_path / "other" / "moved.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(to_yaml(recipe))

    assert load_recipe(elsewhere) == recipe


@pytest.mark.parametrize("own", ["stage1.epochs=3", "stage1.num_steps=10"])
def test_a_stage_that_says_its_own_length_takes_over_no_steps(own: str) -> None:
    recipe = load_recipe("joint", [own])

    assert recipe.control_stages == ()
    assert parse_recipe(to_yaml(recipe), "again.yaml") == recipe


@pytest.mark.parametrize("name", ["joint", "ours.yaml"])
def test_a_control_of_a_control_is_refused_even_of_itself(control: Path, name: str) -> None:
    with pytest.raises(RecipeError, match=r"control_for: .* is a control itself; name the recipe"):
        load_recipe(control, [f"control_for={name}"])


def test_steps_are_not_shared_out_among_stages() -> None:
    text = f"""\
name: ours
control_for: content-then-manner
stages: [{{name: a, {STAGE}}}, {{name: b, {STAGE}, epochs: 1}}]
"""
    with pytest.raises(RecipeError, match=r"a\.num_steps: is missing: the steps of 'content-then-"):
        parse_recipe(text, "ours.yaml")


def test_a_rule_that_asks_a_control_needs_one() -> None:
    with pytest.raises(
        RecipeError, match="kept by no stage: needs `control_for`, the recipe to ask"
    ):
        load_recipe("joint", ["control_for=null"])


def test_what_is_filled_in_may_not_be_given() -> None:
    overrides = ["control_stages=[]", "stage1.filter.0.filters=[]"]
    with pytest.raises(RecipeError) as caught:
        load_recipe("joint", overrides)
    assert str(caught.value).count("is filled in from `control_for`; leave it out") == 2


def test_text_without_a_folder_can_only_name_a_builtin_recipe(control: Path) -> None:
    assert parse_recipe(CONTROL, "ours.yaml", folder=control.parent).control_stages

    with pytest.raises(RecipeError, match=r"control_for: 'theirs\.yaml' is no built-in recipe"):
        parse_recipe(CONTROL, "ours.yaml")


def test_a_broken_recipe_to_control_for_is_told(control: Path) -> None:
    control.with_name("theirs.yaml").write_text("name: theirs")
    with pytest.raises(RecipeError, match=r"control_for: .*theirs\.yaml: stages: is missing"):
        load_recipe(control)
