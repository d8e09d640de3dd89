"""Stages `from: model`, and rounds of them."""

import numpy as np
import pytest

from grice_core.data.filters import OTHER_SOURCE
from grice_core.errors import RecipeError
from grice_core.recipes.config import Recipe
from grice_core.recipes.documents import to_yaml
from grice_core.recipes.load import load_recipe, parse_recipe
from grice_core.recipes.plan import FROM_DATA, plan_stages
from grice_core.recipes.variants import joint_control
from grice_core.store.json_text import digest_of
from tests.data.tables import table_of

OWN = "content-then-manner-own"
CONTENT = (0.5, 0.0, 0.0, 0.0)  # kept by stage 1


def test_each_round_is_a_stage() -> None:
    recipe = load_recipe(OWN, ["round.rounds=2", "round.max_steps=50"])
    assert [stage.name for stage in recipe.stages] == ["stage1", "stage2", "round1", "round2"]
    assert [stage.round for stage in recipe.stages] == [None, None, 1, 2]
    assert [stage.is_from_model for stage in recipe.stages] == [False, False, True, True]
    assert {stage.max_steps for stage in recipe.stages[2:]} == {50}


def test_a_recipe_with_rounds_is_read_back_as_it_was_written() -> None:
    recipe = load_recipe(OWN, ["round.samples.k=6"])
    assert parse_recipe(to_yaml(recipe), "again") == recipe
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe
    assert "from: model" in to_yaml(recipe)


def test_recipes_of_before_are_stored_as_before() -> None:
    """So that what was asked for before there were rounds is found again."""
    stored = load_recipe("content-then-manner").model_dump(mode="json")
    for stage in stored["stages"]:
        assert not {"from", "samples", "rounds", "round", "max_steps"} & stage.keys()
    known = "84b7d07c03d8eceb2dfc14c37f611b9af05a84c13722099f71b923dfa16beb3d"
    assert digest_of(stored) == known


def test_settings_of_sampling_need_a_stage_that_samples() -> None:
    with pytest.raises(RecipeError, match="rounds is a setting of a stage with `from: model`"):
        load_recipe("content-then-manner", ["stage1.rounds=2"])


def test_a_stage_without_its_pairs_awaits_them() -> None:
    table = table_of([CONTENT] * 20)
    first, _, round1, *_ = plan_stages(load_recipe(OWN, ["holdout_share=0"]), table, seed=0)
    assert first.filtered.num_kept == 20
    assert round1.awaits_pairs
    assert (round1.filtered.num_kept, round1.caution) == (0, None)
    assert round1.filtered.counts() == {OTHER_SOURCE: 20}


def test_each_stage_is_cut_out_of_the_pairs_of_its_source() -> None:
    table = table_of([CONTENT] * 30)
    sources = np.repeat([FROM_DATA, 2, 3], [12, 10, 8])
    stages = plan_stages(load_recipe(OWN, ["holdout_share=0"]), table, 0, None, sources)
    kept = [stage.kept_indices.tolist() for stage in stages]
    assert kept[0] == list(range(12))
    assert kept[2] == list(range(12, 22))
    assert kept[3] == list(range(22, 30))
    assert [stage.awaits_pairs for stage in stages] == [False, False, False, False, True]


def test_the_joint_control_takes_the_pairs_of_the_data_alone() -> None:
    control = joint_control(load_recipe(OWN))
    assert [stage.name for stage in control.control_stages] == ["stage1", "stage2"]
