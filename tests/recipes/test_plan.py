"""A plan says what each stage trains on and for how long."""

import numpy as np
import pytest

from grice_core.data.filters import LEAKS
from grice_core.data.split import holdout_mask
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_stages
from tests.data.tables import UNSCORED, table_of

CONTENT = (0.5, 0.0, 0.0, 0.0)  # kept by stage 1
MANNER = (0.0, 0.0, 0.0, 0.5)  # kept by stage 2
NEITHER = (0.0, 0.0, 0.0, 0.0)
NOTHING_HELD_OUT = ["holdout_share=0"]


def test_each_stage_gets_its_pairs() -> None:
    table = table_of([CONTENT, MANNER, NEITHER, UNSCORED, CONTENT])
    first, second = plan_stages(load_recipe("content-then-manner", NOTHING_HELD_OUT), table, seed=0)

    assert first.train_indices.tolist() == [0, 4]
    assert second.train_indices.tolist() == [1]
    assert first.filtered.counts() == {"unscored": 1, "no strong signal": 2, "sum too small": 0}


def test_kept_pairs_are_trained_on_or_held_out_by_their_prompt() -> None:
    prompts = [f"prompt {n // 2}" for n in range(200)]
    table = table_of([CONTENT, MANNER] * 100, prompts=prompts)
    held_out = holdout_mask(prompts, share=0.3, seed=5)

    recipe = load_recipe("content-then-manner", ["holdout_share=0.3"])
    for offset, stage in enumerate(plan_stages(recipe, table, seed=5)):
        pairs = np.arange(offset, 200, 2)
        assert stage.train_indices.tolist() == pairs[~held_out[offset::2]].tolist()
        assert stage.heldout_indices.tolist() == pairs[held_out[offset::2]].tolist()


@pytest.mark.parametrize(
    ("num_pairs", "settings", "num_steps"),
    [
        (8, [], 4),  # 2 steps of 4 pairs, 2 epochs
        (9, [], 6),  # the third step of each epoch has one pair
        (9, ["stage1.epochs=1"], 3),
        (9, ["stage1.batch_size=2"], 4),  # 8 + 1 pairs
        (9, ["stage1.num_steps=50"], 50),
        (3, [], 2),
    ],
)
def test_the_last_smaller_step_of_an_epoch_counts(
    num_pairs: int, settings: list[str], num_steps: int
) -> None:
    recipe = load_recipe("content-then-manner", [*NOTHING_HELD_OUT, *settings])
    assert plan_stages(recipe, table_of([CONTENT] * num_pairs), seed=0)[0].num_steps == num_steps


def test_a_control_takes_the_pairs_and_all_the_steps() -> None:
    table = table_of([CONTENT] * 9 + [MANNER] * 6 + [NEITHER] * 3)

    (joint,) = plan_stages(load_recipe("joint", NOTHING_HELD_OUT), table, seed=0)

    # 3 + 2 steps an epoch, two epochs; its own 15 pairs would have made 8
    assert joint.num_steps == joint.config.num_steps == 10
    assert joint.train_indices.tolist() == list(range(15))


def test_a_control_may_have_its_own_length() -> None:
    table = table_of([CONTENT] * 9 + [MANNER] * 6)
    recipe = load_recipe("joint", [*NOTHING_HELD_OUT, "stage1.epochs=1"])

    (joint,) = plan_stages(recipe, table, seed=0)

    assert (joint.num_steps, joint.config.num_steps) == (4, None)


def test_leaking_pairs_are_left_out_of_a_control_and_its_steps_too() -> None:
    table = table_of([CONTENT] * 8 + [NEITHER])
    exclude = np.array([True] * 4 + [False] * 4 + [True])

    first, _ = plan_stages(
        load_recipe("content-then-manner", NOTHING_HELD_OUT), table, seed=0, exclude=exclude
    )
    (joint,) = plan_stages(load_recipe("joint", NOTHING_HELD_OUT), table, seed=0, exclude=exclude)

    assert first.train_indices.tolist() == joint.train_indices.tolist() == [4, 5, 6, 7]
    assert first.filtered.counts()[LEAKS] == 4
    assert first.num_steps == joint.num_steps == 2


@pytest.mark.parametrize(
    ("num_pairs", "fills_a_step", "caution"),
    [
        (0, False, "stage1 has 0 training pairs, fewer than one optimizer step of 4"),
        (1, False, "stage1 has 1 training pair, fewer than one optimizer step of 4"),
        (4, True, "stage1 has 4 training pairs: expect little from fewer than 50."),
        (49, True, "stage1 has 49 training pairs: expect little"),
        (50, True, None),
    ],
)
def test_small_sets_are_cautioned_about(
    num_pairs: int, fills_a_step: bool, caution: str | None
) -> None:
    recipe = load_recipe("content-then-manner", NOTHING_HELD_OUT)
    stage = plan_stages(recipe, table_of([CONTENT] * num_pairs), seed=0)[0]

    assert stage.fills_a_step is fills_a_step
    assert (stage.caution or "").startswith(caution or "")
    assert (stage.caution is None) is (caution is None)
