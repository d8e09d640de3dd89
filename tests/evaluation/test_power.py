import numpy as np
import pytest
from scipy.stats import norm

from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.paired import sign_test
from grice_core.evaluation.power import detectable_change, mcnemar_power, prompts_to_tell


def test_power_by_hand() -> None:
    # Six prompts that all differ and all fall: the one outcome with p < 0.05, p = 2 · 0.5⁶ = 0.031.
    assert mcnemar_power(6, discordance=1.0, change=-1.0) == pytest.approx(1.0)
    # Each falls with probability 0.9: all fall with 0.9⁶, all rise with 0.1⁶.
    assert mcnemar_power(6, discordance=1.0, change=-0.8) == pytest.approx(0.9**6 + 0.1**6)
    assert mcnemar_power(5, discordance=1.0, change=-1.0) == 0


@pytest.mark.parametrize(("discordance", "change"), [(0.3, 0.15), (0.2, -0.1), (0.4, 0.05)])
def test_power_equals_the_share_of_simulated_experiments_that_reject(
    discordance: float, change: float
) -> None:
    up, down = (discordance + change) / 2, (discordance - change) / 2
    counts = np.random.default_rng(0).multinomial(100, [up, down, 1 - discordance], size=4000)
    outcomes, repeats = np.unique(counts[:, :2], axis=0, return_counts=True)

    rejected = np.array([sign_test(int(rose), int(fell)) <= 0.05 for rose, fell in outcomes])

    simulated = (rejected * repeats).sum() / 4000
    assert mcnemar_power(100, discordance, change) == pytest.approx(simulated, abs=0.025)


def test_power_is_close_to_connors_formula_for_many_prompts() -> None:
    # Connor 1987 (doi 10.2307/2531961): n = (z₀.₉₇₅·√ψ + z₀.₈·√(ψ − δ²))² / δ².
    discordance, change = 0.3, 0.05
    root = norm.ppf(0.975) * discordance**0.5 + norm.ppf(0.8) * (discordance - change**2) ** 0.5
    num_prompts = round((root / change) ** 2)

    assert mcnemar_power(num_prompts, discordance, change) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(("num_prompts", "discordance"), [(30, 0.4), (100, 0.2), (1000, 0.02)])
def test_the_detectable_change_is_found_four_times_in_five(
    num_prompts: int, discordance: float
) -> None:
    change = detectable_change(num_prompts, discordance)

    assert change is not None
    power = mcnemar_power(num_prompts, max(discordance, change), change)
    assert power == pytest.approx(0.8, abs=0.01)


def test_more_prompts_see_smaller_changes() -> None:
    few, many = (detectable_change(n, 0.2) for n in (50, 500))

    assert few is not None
    assert many is not None
    assert many < few / 2


def test_fewer_than_six_prompts_see_nothing() -> None:
    assert detectable_change(5, 0.5) is None
    assert detectable_change(6, 0.5) is not None


def test_prompts_to_tell_by_hand() -> None:
    # Half-width 0.1 at 100 prompts, middle 0.05 from the bound. One sees it half of the time at
    # 100 · (0.1/0.05)² = 400, and four times in five at 400 · (1 + 0.842/1.960)² = 817.
    assert prompts_to_tell(100, Interval(-0.15, 0.05), bound=0.0) == 820


def test_a_truth_at_the_bound_is_told_by_no_number_of_prompts() -> None:
    assert prompts_to_tell(100, Interval(-0.1, 0.1), bound=0.0) is None
    assert prompts_to_tell(100, Interval(-0.1, 0.099), bound=0.0) is None


def test_that_many_prompts_would_tell() -> None:
    """Simulated: a true change of −5 points, seen in 80 % of the experiments of that size."""
    sd = (0.2 - 0.05**2) ** 0.5
    half_width = 1.96 * sd / 100**0.5
    needed = prompts_to_tell(100, Interval(-0.05 - half_width, -0.05 + half_width), 0.0)
    assert needed is not None

    draws = np.random.default_rng(0).multinomial(needed, [0.075, 0.125, 0.8], size=4000)
    means = (draws[:, 0] - draws[:, 1]) / needed
    told = means + 1.96 * sd / needed**0.5 < 0
    assert told.mean() == pytest.approx(0.8, abs=0.025)
