"""Prompts picked one after another with known, unequal chances, and the weights that undo these.

Each pick is among the prompts that were not picked yet. A prompt that was twice as likely as in a uniform
pick would count half, were picking done with replacement; without, earlier picks count less so the more
of the prompts are judged, and all count the same once every prompt is.

Source: Farquhar, Gal, Rainforth 2021 (arXiv 2101.11665), the levelled unbiased estimator; that it
may be looked at after each pick: Shekhar, Xu, Lipton, Liang, Ramdas 2023 (arXiv 2305.06884).
"""

from collections.abc import Sequence

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray

UNIFORM_SHARE = 0.3
"""How much of a pick is uniform, so that no prompt is out of reach where the detector is fooled."""


def pick_weights(relative_chances: Sequence[float], num_prompts: int) -> FloatArray:
    """How much each pick's label counts, in the order of the picks.

    Args:
        relative_chances: Of each picked prompt: its chance over that of a uniform pick among those left.
        num_prompts: All that there are to pick from.
    """
    picked = len(relative_chances)
    place = np.arange(1, picked + 1)
    # The last of all prompts had no other left, so that its factor is 0 over 0.
    left = (num_prompts - picked) / np.maximum(num_prompts - place, 1)
    weights: FloatArray = 1 + left * (1 / np.asarray(relative_chances) - 1)
    return weights


def pick_chances(spread: FloatArray, left: BoolArray) -> FloatArray:
    """The chances of the next pick: mostly in proportion to how far a label may be off, partly uniform.

    Args:
        spread: (…, M) about how far each prompt's label lies from what is expected of it.
        left: (…, M) which prompts have no label yet; at least one.

    Source of the mixture: Zrnic, Candès 2024 (arXiv 2403.03208).
    """
    weights = np.where(left, spread, 0.0)
    uniform = left / left.sum(axis=-1, keepdims=True)
    total = weights.sum(axis=-1, keepdims=True)
    by_spread = weights / np.where(total > 0, total, 1.0)
    mixed = (1 - UNIFORM_SHARE) * by_spread + UNIFORM_SHARE * uniform
    chances: FloatArray = np.where(total > 0, mixed, uniform)
    return chances
