"""Held-out pairs go by prompt."""

import numpy as np

from grice_core.data.split import holdout_mask

PROMPTS = [f"What do you think of film {n}?" for n in range(2000)]


def test_pairs_of_one_prompt_stay_together() -> None:
    prompts = [f"prompt {n % 10}" for n in range(100)]
    mask = holdout_mask(prompts, share=0.5, seed=0)

    assert 0 < mask.sum() < 100
    for first in range(10):
        assert len(set(mask[first::10].tolist())) == 1


def test_spelling_differences_that_nobody_sees_do_not_part_a_prompt() -> None:
    for seed in range(20):
        spelled = ["Café  society?\n", " Cafe\u0301 society?", "Café society?"]
        assert len(set(holdout_mask(spelled, share=0.5, seed=seed).tolist())) == 1


def test_a_prompt_is_held_out_whatever_stands_beside_it() -> None:
    together = holdout_mask(PROMPTS, share=0.3, seed=7)
    backwards = holdout_mask(PROMPTS[::-1], share=0.3, seed=7)
    alone = [bool(holdout_mask([prompt], share=0.3, seed=7)[0]) for prompt in PROMPTS[:50]]

    np.testing.assert_array_equal(together, backwards[::-1])
    assert together[:50].tolist() == alone


def test_the_share_is_met_and_grows_by_adding_prompts() -> None:
    tenth, fifth = (holdout_mask(PROMPTS, share, seed=0) for share in (0.1, 0.2))

    assert 0.07 < tenth.mean() < 0.13
    assert 0.16 < fifth.mean() < 0.24
    assert fifth[tenth].all()


def test_another_seed_holds_out_others() -> None:
    one, other = (holdout_mask(PROMPTS, 0.5, seed) for seed in (0, 1))
    assert 0.4 < (one == other).mean() < 0.6


def test_nothing_is_held_out_for_a_share_of_zero() -> None:
    assert not holdout_mask(PROMPTS, share=0.0, seed=0).any()
    assert holdout_mask([], share=0.5, seed=0).shape == (0,)
