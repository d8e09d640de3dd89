import numpy as np
import pytest

from grice_core.dpo.schedules import (
    beta_at,
    final_beta,
    learning_rate,
    num_warmup_steps,
    step_batches,
)
from tests.dpo import tiny

RAMP = {"start": 0.1, "end": 0.5}


def rates(num_steps, **changes):
    config = tiny.stage(learning_rate=1.0, **changes)
    return [learning_rate(config, step, num_steps) for step in range(num_steps)]


def test_the_warm_up_takes_the_recipes_steps_but_at_most_its_share():
    assert num_warmup_steps(tiny.stage(warmup_steps=100), 2000) == 100
    assert num_warmup_steps(tiny.stage(warmup_steps=100), 96) == 9
    assert num_warmup_steps(tiny.stage(warmup_steps=100), 9) == 0
    assert num_warmup_steps(tiny.stage(warmup_steps=100, max_warmup_share=0.5), 10) == 5


def test_the_rate_climbs_to_its_peak_and_falls_towards_zero():
    expected = [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    assert rates(6, warmup_steps=2, max_warmup_share=0.5) == pytest.approx(expected)


def test_without_a_warm_up_the_rate_only_falls():
    assert rates(4, warmup_steps=0) == pytest.approx([1.0, 0.75, 0.5, 0.25])


def test_a_single_step_has_the_full_rate():
    assert rates(1) == [1.0]
    assert rates(1, max_warmup_share=1.0) == [1.0]


def test_a_constant_beta_stays():
    config = tiny.stage(beta=0.03)
    assert {beta_at(config, step, 30) for step in range(30)} == {0.03}
    assert final_beta(config) == 0.03


def test_a_ramp_ends_with_the_warm_up():
    config = tiny.stage(beta=RAMP, warmup_steps=4, max_warmup_share=0.5)
    betas = [beta_at(config, step, 8) for step in range(8)]
    assert betas == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.5])
    assert final_beta(config) == 0.5


def test_a_ramp_without_a_warm_up_is_at_its_end():
    assert beta_at(tiny.stage(beta=RAMP, warmup_steps=0), 0, 8) == 0.5


def test_every_epoch_sees_every_pair_once_and_ends_with_the_smaller_step():
    batches = step_batches(num_pairs=10, pairs_per_step=4, num_steps=6, seed=0)
    assert [len(batch) for batch in batches] == [4, 4, 2, 4, 4, 2]
    first, second = np.concatenate(batches[:3]), np.concatenate(batches[3:])
    assert sorted(first) == sorted(second) == list(range(10))
    assert first.tolist() != second.tolist()


def test_the_order_depends_on_the_seed_and_a_longer_run_begins_like_a_shorter_one():
    def order(num_steps, seed):
        return [batch.tolist() for batch in step_batches(10, 4, num_steps, seed)]

    assert order(8, seed=0)[:5] == order(5, seed=0)
    assert order(5, seed=0) != order(5, seed=1)


def test_fewer_pairs_than_a_step_takes_make_steps_of_all_of_them():
    assert [sorted(batch) for batch in step_batches(2, 4, 3, seed=0)] == [[0, 1]] * 3
