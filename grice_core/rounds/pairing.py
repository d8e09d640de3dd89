"""Which of a model's answers to a prompt become chosen and rejected: the best against the worst."""

from dataclasses import dataclass

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.recipes.samples import SampleSettings

UNFINISHED = "fewer than two finished answers"
ALIKE = "answers too alike"
SIDE_EFFECT = "worse on another maxim"
REASONS = (UNFINISHED, ALIKE, SIDE_EFFECT)
"""Why a prompt yields no pair; the first that holds counts."""
_BLOCK = 1 << 18
"""Pairs of answers that are compared at once."""


@dataclass(frozen=True, eq=False)
class ChosenPairs:
    """One pair for each of n out of P prompts."""

    prompts: IntArray
    """(n,) ascending indices of prompts."""
    chosen: IntArray
    """(n,) which of the prompt's k answers."""
    rejected: IntArray
    """(n,) likewise."""
    dropped: dict[str, int]
    """Prompts without a pair by `REASONS`; with n they add up to P."""


def choose_pairs(
    scores: FloatArray, finished: BoolArray, weights: FloatArray, settings: SampleSettings
) -> ChosenPairs:
    """Pair, for each prompt, the two finished answers that are furthest apart on the trained maxims.

    An answer without its end of text is neither chosen, which would teach to break off, nor rejected, since
    a rejected response is trained on with an end of text that the model never wrote.

    Args:
        scores: (P, k, 4) violation probabilities of k answers to each of P prompts.
        finished: (P, k) the answers that ended by themselves.
        weights: (4,) of the stage's maxims; one without weight may get worse by `settings.max_loss`.
        settings: how far apart they have to be.
    """
    num_prompts, k = finished.shape
    size = max(1, _BLOCK // (k * k))
    blocks = [
        _best(scores[start : start + size], finished[start : start + size], weights, settings)
        for start in range(0, num_prompts, size)
    ]
    place, reason = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    paired = np.flatnonzero(reason < 0)
    return ChosenPairs(
        prompts=paired,
        chosen=place[paired] // k,
        rejected=place[paired] % k,
        dropped={
            name: int(np.count_nonzero(reason == index)) for index, name in enumerate(REASONS)
        },
    )


def _best(
    scores: FloatArray, finished: BoolArray, weights: FloatArray, settings: SampleSettings
) -> tuple[IntArray, IntArray]:
    """(P,) the best pair as chosen · k + rejected; (P,) the reason against any, −1 if there is none."""
    margins = scores[:, None, :, :] - scores[:, :, None, :]  # [p, i, j]: i chosen, j rejected
    gains = margins @ (weights / weights.sum())
    usable = finished[:, :, None] & finished[:, None, :]
    apart = usable & (gains >= settings.min_gain)
    harmless = (margins[..., weights == 0] >= -settings.max_loss).all(axis=-1)
    good = (apart & harmless).reshape(len(scores), -1)
    place = np.where(good, gains.reshape(good.shape), -np.inf).argmax(axis=1)
    reason = np.select(
        [finished.sum(axis=1) < 2, ~apart.any(axis=(1, 2)), ~good.any(axis=1)],
        range(len(REASONS)),
        default=-1,
    )
    return place, reason
