import numpy as np
import pytest
from scipy.stats import binomtest

from grice_core.evaluation import intervals
from grice_core.evaluation.intervals import paired_interval, wilson_ends, wilson_interval


def outcomes(count: int, total: int, k: int = 1) -> np.ndarray:
    flat = np.zeros(total)
    flat[:count] = 1
    return flat.reshape(-1, k)


@pytest.mark.parametrize(("count", "total"), [(0, 10), (3, 10), (45, 200), (200, 200)])
def test_wilson_equals_scipys(count: int, total: int) -> None:
    expected = binomtest(count, total).proportion_ci(method="wilson")

    interval = wilson_interval(outcomes(count, total))

    assert interval.low == pytest.approx(expected.low, abs=1e-12)
    assert interval.high == pytest.approx(expected.high, abs=1e-12)


def test_wilson_with_a_further_variance_is_where_the_rate_is_as_far_as_its_own_variance_says() -> (
    None
):
    rate, num, further = 0.02, 60.0, 0.0008
    for end in wilson_ends(*map(np.asarray, (rate, num, 1.96)), further):
        variance = end * (1 - end) / num + further
        assert end == 0 or (rate - end) ** 2 == pytest.approx(1.96**2 * variance)


def test_wilson_by_hand() -> None:
    # p = ½, n = 4, z² = 3.8415: centre ½, half-width z·√(¼/4 + z²/64) / (1 + z²/4) = 0.34996.
    interval = wilson_interval(outcomes(2, 4))

    assert interval.low == pytest.approx(0.5 - 0.34996, abs=1e-4)
    assert interval.high == pytest.approx(0.5 + 0.34996, abs=1e-4)


def test_four_equal_responses_to_a_prompt_say_as_much_as_one() -> None:
    once = outcomes(30, 100)

    assert wilson_interval(np.repeat(once, 4, axis=1)).low == pytest.approx(
        wilson_interval(once).low, abs=0.002
    )


def test_four_independent_responses_to_a_prompt_say_as_much_as_four_prompts() -> None:
    flat = np.random.default_rng(0).random(4000) < 0.3

    by_prompt, apart = (wilson_interval(flat.reshape(-1, k).astype(float)) for k in (4, 1))

    assert by_prompt.high - by_prompt.low == pytest.approx(apart.high - apart.low, rel=0.1)


def test_with_no_violation_at_all_only_prompts_count() -> None:
    assert wilson_interval(outcomes(0, 40, k=4)) == wilson_interval(outcomes(0, 10))


def test_the_paired_interval_is_close_to_the_normal_one_when_many_prompts_differ() -> None:
    # 1,000 prompts, 300 fell and 100 rose: mean −0.2, variance of the mean (0.4 − 0.04) / 1000.
    differences = np.concatenate([np.full(300, -1.0), np.full(100, 1.0), np.zeros(600)])
    half_width = 1.96 * np.sqrt(0.36 / 1000)

    interval = paired_interval(differences)

    assert interval.low == pytest.approx(-0.2 - half_width, abs=0.002)
    assert interval.high == pytest.approx(-0.2 + half_width, abs=0.002)


def test_no_difference_in_few_prompts_is_no_proof_of_none() -> None:
    few, many = (paired_interval(np.zeros(n)) for n in (10, 1000))

    assert few.low <= -0.15
    assert few.high >= 0.15
    assert -0.005 < many.low < 0 < many.high < 0.005


def test_equal_data_give_equal_intervals() -> None:
    differences = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], size=50)

    assert paired_interval(differences) == paired_interval(differences[::-1])


@pytest.mark.parametrize(
    ("num_prompts", "rises", "falls", "k"),
    [(100, 0.2, 0.05, 1), (200, 0.1, 0.1, 1), (100, 0.2, 0.05, 3)],
)
def test_the_paired_interval_covers_the_truth_95_times_in_100(
    num_prompts: int, rises: float, falls: float, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        intervals, "NUM_DRAWS", 2000
    )  # a fifth of the usual: the test takes seconds
    luck = np.random.default_rng(0).random((2000, num_prompts, k))
    experiments = ((luck < rises).astype(float) - (luck > 1 - falls)).mean(axis=2)
    # The order of prompts means nothing, so many experiments are the same one and need one interval.
    distinct, repeats = np.unique(np.sort(experiments, axis=1), axis=0, return_counts=True)

    found = [paired_interval(differences, k) for differences in distinct]

    covers = np.array([i.low <= rises - falls <= i.high for i in found])
    assert (covers * repeats).sum() / 2000 == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(("rate", "k", "alike"), [(0.3, 1, 0.0), (0.1, 1, 0.0), (0.3, 4, 0.5)])
def test_wilson_covers_the_truth_95_times_in_100(rate: float, k: int, alike: float) -> None:
    """100 prompts; with several responses, each shares its prompt's luck with probability `alike`."""
    generator = np.random.default_rng(0)
    own, shared = generator.random((2000, 100, k)), generator.random((2000, 100, 1))
    luck = np.where(generator.random((2000, 100, k)) < alike, shared, own)

    found = [wilson_interval(experiment) for experiment in (luck < rate).astype(float)]

    covered = np.mean([interval.low <= rate <= interval.high for interval in found])
    assert covered == pytest.approx(0.95, abs=0.015)
