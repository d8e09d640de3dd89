"""Each criterion's power before anything is trained: how often so many prompts would decide it.

A model is assumed that improves on every maxim. Its answers are drawn, independently of the baseline's and
maxim by maxim, and judged by the verdict's own intervals. Common random numbers make real answers of two
models alike, which needs fewer prompts.
"""

from bisect import bisect_left
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.evaluation.intervals import NORMAL, paired_interval, wilson
from grice_core.maxims import MAXIMS
from grice_core.recipes.config import EvaluationConfig

LEAST = (0.10, 0.03)
"""Violations of the maxim that improves least, by the baseline and by the assumed model."""
OTHERS = (0.25, 0.05)
"""Of the other three."""
SIMILARITY = 0.3
"""Assumed correlation of answers to one prompt."""
MOST_UNDECIDED = 0.10
"""Share of verdicts that may stay undecided."""
NUM_EXPERIMENTS = 2_000
_SEED = 0
_CANDIDATES = (50, 100, 150, 200, 300, 400, 500, 700, 1_000)
_ASSUMED = (
    f"a model that improves every maxim, the least from {100 * LEAST[0]:g} to {100 * LEAST[1]:g} %,"
)


@dataclass(frozen=True)
class CriterionPower:
    """How often the verdict's criteria are met by a model that improves as assumed, as fractions."""

    num_prompts: int
    samples_per_prompt: int
    improves: float
    """All four maxims are violated less often."""
    cooperative: float
    """At least the demanded rate."""
    no_regression: float
    met: float
    """All of it."""
    undecided: float
    """The verdict is neither met nor not met."""

    @property
    def is_enough(self) -> bool:
        """Whether few verdicts stay undecided."""
        return self.undecided <= MOST_UNDECIDED

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def criterion_power(
    config: EvaluationConfig, num_prompts: int, samples_per_prompt: int = 1
) -> CriterionPower:
    """How often so many prompts would decide.

    Several answers to a prompt count as so many prompts as would say as much, if answers to one are
    correlated by `SIMILARITY`.
    """
    num, k = num_prompts, samples_per_prompt
    effective = round(num * k / (1 + (k - 1) * SIMILARITY))
    found = _simulated(effective, config.min_cooperative, config.max_regression)
    return CriterionPower(num_prompts, samples_per_prompt, *found)


def prompts_to_take(config: EvaluationConfig, samples_per_prompt: int = 1) -> int | None:
    """The least round number of prompts with which few verdicts stay undecided; None above the last."""
    place = bisect_left(
        _CANDIDATES,
        True,
        key=lambda num: criterion_power(config, num, samples_per_prompt).is_enough,
    )
    return _CANDIDATES[place] if place < len(_CANDIDATES) else None


def power_sentences(
    config: EvaluationConfig, found: CriterionPower, num_available: int
) -> list[str]:
    """What so many prompts would tell, how many to take instead, and how often each criterion is met.

    Args:
        num_available: Prompts that the data can give.
    """
    rate, minimum = (1 - LEAST[1]) * (1 - OTHERS[1]) ** (len(MAXIMS) - 1), config.min_cooperative
    if minimum >= rate:
        return [
            f"{_ASSUMED[0].upper()}{_ASSUMED[1:]} would be {100 * rate:.0f} % cooperative, and at least "
            f"{100 * minimum:g} % are demanded."
        ]
    asked = _prompts(found.num_prompts)
    if found.samples_per_prompt > 1:
        asked += f" and {found.samples_per_prompt} answers to each"
    undecided = (
        f"With {asked}, {_ASSUMED} stays undecided in {100 * found.undecided:.0f} % of cases"
    )
    advice = "" if found.is_enough else f": {_advice(config, found, num_available)}"
    return [
        f"{undecided}{advice}.",
        f"Chance of each criterion to be met: every maxim improves {_share(found.improves)}, at least "
        f"{100 * minimum:g} % cooperative {_share(found.cooperative)}, none more than "
        f"{100 * config.max_regression:g} points worse {_share(found.no_regression)}.",
    ]


def _advice(config: EvaluationConfig, found: CriterionPower, num_available: int) -> str:
    needed = prompts_to_take(config, found.samples_per_prompt)
    take = f"take more than {_CANDIDATES[-1]:,}" if needed is None else f"take {needed:,}"
    if (needed or _CANDIDATES[-1]) <= num_available:
        return take
    return f"{take}, or more answers per prompt; the data can give {_prompts(num_available)}"


def _prompts(count: int) -> str:
    return f"{count:,} prompt{'' if count == 1 else 's'}"


def _share(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"


@lru_cache(maxsize=64)
def _simulated(
    num_prompts: int, min_cooperative: float, max_regression: float
) -> tuple[float, float, float, float, float]:
    """The fractions of `CriterionPower`, in their order."""
    up, down, cooperative = _experiments(num_prompts)
    improves = _below(num_prompts, up, down, 0.0)
    no_regression = _below(num_prompts, up, down, max_regression)
    bounds = [wilson(rate, num_prompts, NORMAL) for rate in np.unique(cooperative).tolist()]
    place = np.unique(cooperative, return_inverse=True)[1]
    reaches = np.array([of.low >= min_cooperative for of in bounds])[place]
    misses = np.array([of.high < min_cooperative for of in bounds])[place]
    met = improves & no_regression & reaches
    shares = (improves, reaches, no_regression, met, ~met & ~misses)
    first, second, third, fourth, fifth = (float(of.mean()) for of in shares)
    return first, second, third, fourth, fifth


def _experiments(num_prompts: int) -> tuple[IntArray, IntArray, FloatArray]:
    """(E, 4) prompts that rise, (E, 4) that fall, (E,) cooperative rates of the assumed model."""
    generator = np.random.default_rng(_SEED)
    rates = np.array([LEAST, *[OTHERS] * (len(MAXIMS) - 1)])
    ups, downs, cooperative = [], [], []
    for _ in range(NUM_EXPERIMENTS):
        before, after = (generator.random((num_prompts, len(MAXIMS))) < of for of in rates.T)
        ups.append((after & ~before).sum(axis=0))
        downs.append((before & ~after).sum(axis=0))
        cooperative.append(1 - after.any(axis=1).mean())
    return np.array(ups), np.array(downs), np.array(cooperative)


def _below(num_prompts: int, up: IntArray, down: IntArray, bound: float) -> BoolArray:
    """(E,) whether all four intervals lie below the bound."""
    needed = {rise: _least_falling(num_prompts, rise, bound) for rise in np.unique(up).tolist()}
    least = np.vectorize(needed.__getitem__, otypes=[np.int64])(up)
    below: BoolArray = (down >= least).all(axis=1)
    return below


@cache
def _least_falling(num_prompts: int, rising: int, bound: float) -> int:
    """How many prompts have to fall, where some rise, for the change's interval to lie below a bound."""

    def is_below(falling: int) -> bool:
        differences = np.zeros(num_prompts)
        differences[:rising], differences[rising : rising + falling] = 1.0, -1.0
        return paired_interval(differences).high < bound

    most = num_prompts - rising
    # Begin where a normal interval would have its bound.
    low = rising - bound * num_prompts
    guess = low + NORMAL**2 / 2 + NORMAL * np.sqrt(max(2 * rising - bound * num_prompts, 0) + 3)
    falling = int(np.clip(guess, 0, most))
    while falling > 0 and is_below(falling - 1):
        falling -= 1
    while falling <= most and not is_below(falling):
        falling += 1
    return falling
