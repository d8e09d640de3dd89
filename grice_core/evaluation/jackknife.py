"""Intervals of figures that are no means over prompts, from what each becomes without one of the prompts."""

import numpy as np

from grice_core.data.pairs import FloatArray
from grice_core.evaluation.intervals import Interval, student


def mean_interval(values: FloatArray) -> Interval | None:
    """Student's interval of a mean over M prompts; None with one prompt.

    Args:
        values: (M,) one number per prompt: its answers' mean, or a difference of means.
    """
    num_prompts = len(values)
    if num_prompts < 2:
        return None
    left_out = (values.sum() - values) / (num_prompts - 1)
    return jackknife_interval(float(values.mean()), left_out)


def jackknife_interval(value: float, left_out: FloatArray, extra: float = 0.0) -> Interval | None:
    """Student's interval with the jackknife's variance; None with one prompt.

    On average the jackknife never says less than the true variance.

    Args:
        value: The figure over all M prompts.
        left_out: (M,) the figure without each prompt.
        extra: How much one prompt more for either side may weigh, as in Bonett and Price's interval; for
            changes of rates, where a sample in which nothing changes would claim that nothing ever does.

    Source: Efron, Stein 1981 (doi 10.1214/aos/1176345462); Bonett, Price 2012 (doi 10.3102/1076998611411915).
    """
    num_prompts = len(left_out)
    if num_prompts < 2:
        return None
    spread = float(((left_out - left_out.mean()) ** 2).sum())
    variance = (num_prompts - 1) / num_prompts * spread
    share = num_prompts / (num_prompts + 2) if extra else 1.0
    variance = share**2 * variance + 2 * extra**2 / (num_prompts + 2) ** 2
    half = student(num_prompts - 1) * np.sqrt(variance)
    return Interval(float(share * value - half), float(share * value + half))
