"""Rates and differences as people read them: percent and points with one decimal, a real minus sign."""

from grice_core.evaluation.intervals import Interval
from grice_core.formatting import signed


def percent(rate: float) -> str:
    """0.225 → `22.5 %`"""
    return f"{100 * rate:.1f} %"


def percent_interval(interval: Interval) -> str:
    """(0.172, 0.288) → `[17.2, 28.8]`"""
    return f"[{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def points(difference: float) -> str:
    """−0.195 → `−19.5`; no difference → `0.0`"""
    return signed(100 * difference, 1)


def points_interval(interval: Interval) -> str:
    """(−0.26, −0.13) → `[−26.0, −13.0]`"""
    return f"[{points(interval.low)}, {points(interval.high)}]"
