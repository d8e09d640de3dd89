"""How persons differ, as a variance."""

import numpy as np
import pytest

from grice_core.evaluation.persons import LEAST_SHARED, differing


def labels(*, strictness: float, seed: int, num: int = 400) -> np.ndarray:
    """One person's labels of one answer to each prompt."""
    return (np.random.default_rng(seed).random((num, 1)) < strictness).astype(np.float64)


def test_persons_who_differ_by_chance_only_add_next_to_nothing():
    spreads = [
        differing([labels(strictness=0.3, seed=seed), labels(strictness=0.3, seed=1000 + seed)])
        for seed in range(40)
    ]
    assert np.mean([one.of_mean for one in spreads]) < 0.02**2


def test_a_stricter_person_is_a_variance():
    found = differing([labels(strictness=0.2, seed=1), labels(strictness=0.6, seed=2)])
    # Two persons 0.4 apart vary by 0.4² / 2; their mean by half of that.
    assert found.variance == pytest.approx(0.08, rel=0.25)
    assert found.of_mean == pytest.approx(found.variance / 2)


def test_who_labelled_most_counts_most():
    first, second = labels(strictness=0.2, seed=1), labels(strictness=0.6, seed=2)
    second[40:] = np.nan
    # 360 labels of the first alone, 40 halved: 380 of 400.
    assert differing([first, second]).share == pytest.approx(0.95**2 + 0.05**2)


def test_with_few_shared_prompts_nothing_is_said():
    first, second = labels(strictness=0.2, seed=1), labels(strictness=0.6, seed=2)
    second[LEAST_SHARED - 1 :] = np.nan
    assert differing([first, second]) is None
    assert differing([first]) is None
    assert differing([]) is None
