"""What a number of prompts can show at all."""

import math
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from grice_core.data.pairs import FloatArray
from grice_core.evaluation.intervals import CONFIDENCE, Interval

ALPHA = 0.05
POWER = 0.8
MOST_PROMPTS = 100_000
"""No one evaluates more; a larger answer is given as none."""


def mcnemar_power(num_prompts: int, discordance: float, change: float) -> float:
    """Chance that McNemar's exact test finds a change of this size at the 5 % level.

    Sums over how many of the prompts differ, and for each over how many of those rise.

    Args:
        num_prompts: Prompts that both models answer.
        discordance: Share of prompts that differ between the models, above 0.
        change: Share that rises − share that falls; |change| ≤ discordance.

    Source: Duffy 1984, *Biometrics* 40, 1005–1015 (the exact unconditional power).
    """
    from scipy.stats import binom  # half a second to load, which most processes never need

    differing = np.arange(num_prompts + 1)
    critical = _critical_counts(num_prompts)
    rising = (1 + change / discordance) / 2
    rejected = binom.cdf(critical, differing, rising) + binom.cdf(critical, differing, 1 - rising)
    return float(binom.pmf(differing, num_prompts, discordance) @ rejected)


@lru_cache(maxsize=8)
def _critical_counts(num_prompts: int) -> FloatArray:
    """For 0 … num_prompts differing prompts: how many may go one way for the test to reject."""
    from scipy.stats import binom

    differing = np.arange(num_prompts + 1)
    quantile = binom.ppf(ALPHA / 2, differing, 0.5)
    too_many = binom.cdf(quantile, differing, 0.5) > ALPHA / 2
    critical: FloatArray = np.where(too_many, quantile - 1, quantile)
    return critical


def detectable_change(num_prompts: int, discordance: float) -> float | None:
    """The smallest true change that the test finds with 80 % power, as a fraction.

    Assumes that as many prompts differ as did here, or as many as the change itself needs. None if
    not even a change in every prompt would be found, as with fewer than six prompts.
    """

    from scipy.optimize import brentq

    def shortfall(change: float) -> float:
        return POWER - mcnemar_power(num_prompts, max(discordance, change), change)

    if shortfall(1.0) > 0:
        return None
    return float(brentq(shortfall, 1e-6, 1.0, xtol=1e-4))


def prompts_to_tell(num_prompts: int, interval: Interval, bound: float) -> int | None:
    """About how many prompts tell, with 80 % power, on which side of the bound the truth lies.

    Takes the middle of the interval for the truth, and the interval to shrink with the square root
    of the number of prompts.

    Returns:
        Two significant digits, rounded up; None above `MOST_PROMPTS`.
    """
    half_width = (interval.high - interval.low) / 2
    distance = abs((interval.low + interval.high) / 2 - bound)
    # At a distance of half a width, one sees it half of the time; 80 % needs more.
    needed = half_width * (1 + ndtri(POWER) / ndtri((1 + CONFIDENCE) / 2))
    if distance * math.sqrt(MOST_PROMPTS) <= needed * math.sqrt(num_prompts):
        return None
    exact = math.ceil(num_prompts * (needed / distance) ** 2)
    unit = int(10 ** max(0, len(str(exact)) - 2))
    return int(math.ceil(exact / unit) * unit)
