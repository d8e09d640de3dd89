"""A recipe may begin with another one's stages."""

from pathlib import Path

import pytest

from grice_core.errors import RecipeError
from grice_core.recipes.documents import to_yaml
from grice_core.recipes.load import load_recipe, parse_recipe

THEIRS = """\
name: theirs
description: Not taken over.
holdout_share: 0.2
evaluation: {num_prompts: 7}
stages:
  - {name: one, weights: {manner: 1}, learning_rate: 1e-3, beta: 0.1}
"""
OURS = """\
name: ours
begins_with: theirs.yaml
stages:
  - {name: two, weights: {quantity: 1}, learning_rate: 1e-4, beta: 0.2}
"""


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A recipe's file, beside the file of the one that it begins with."""
    (tmp_path / "theirs.yaml").write_text(THEIRS)
    path = tmp_path / "ours.yaml"
    path.write_text(OURS)
    return path


def test_their_stages_come_first_and_what_it_does_not_say_is_theirs(ours: Path) -> None:
    recipe, theirs = load_recipe(ours), load_recipe(ours.with_name("theirs.yaml"))
    assert recipe.stages[0] == theirs.stages[0]
    assert [stage.name for stage in recipe.stages] == ["one", "two"]
    assert (recipe.name, recipe.description) == ("ours", "")
    assert recipe.holdout_share == 0.2
    assert recipe.evaluation == theirs.evaluation


def test_its_own_words_and_overrides_count(ours: Path) -> None:
    ours.write_text(OURS + "holdout_share: 0.3\n")
    recipe = load_recipe(ours, ["one.beta=0.5", "evaluation.num_prompts=9"])
    assert recipe.holdout_share == 0.3
    assert recipe.stages[0].beta == 0.5
    assert recipe.evaluation.num_prompts == 9


def test_what_show_prints_stands_by_itself(ours: Path, tmp_path: Path) -> None:
    recipe = load_recipe(ours)
    elsewhere = tmp_path / "other" / "moved.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(to_yaml(recipe))
    assert load_recipe(elsewhere) == recipe


def test_an_uploaded_recipe_may_begin_with_a_built_in_one_only() -> None:
    text = OURS.replace("theirs.yaml", "content-then-manner")
    assert len(parse_recipe(text, "uploaded").stages) == 3
    with pytest.raises(RecipeError, match=r"begins_with: 'theirs\.yaml' is no built-in recipe"):
        parse_recipe(OURS, "uploaded")


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("joint", "begins_with: recipe 'joint' is made of another recipe itself, by `control_for`"),
        ("demo-own", "'demo-own' is made of another recipe itself, by `begins_with`"),
        ("ours.yaml", "is made of another recipe itself, by `begins_with`"),
        ("nowhere.yaml", "begins_with: There is no recipe or file"),
        ("[demo]", "begins_with: must be the name or the file of a recipe"),
        ("7", "begins_with: must be the name or the file of a recipe"),
    ],
)
def test_what_can_not_come_first_is_refused(ours: Path, named: str, message: str) -> None:
    ours.write_text(OURS.replace("theirs.yaml", named))
    with pytest.raises(RecipeError, match=message):
        load_recipe(ours)


def test_faults_of_the_other_recipe_and_doubled_names_are_told(ours: Path) -> None:
    ours.write_text(OURS.replace("name: two", "name: one"))
    with pytest.raises(RecipeError, match="two stages are named 'one'"):
        load_recipe(ours)
    ours.write_text(OURS)
    ours.with_name("theirs.yaml").write_text(THEIRS.replace("beta: 0.1", "beta: -1"))
    with pytest.raises(RecipeError, match=r"one\.beta"):
        load_recipe(ours)
