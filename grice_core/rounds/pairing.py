"""Which of a model's answers to a prompt become chosen and rejected: the best against the worst."""

from dataclasses import dataclass

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.recipes.samples import SampleSettings

UNFINISHED = "no finished answer"
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


@dataclass(frozen=True, eq=False)
class JudgedAnswers:
    """k answers to each of P prompts."""

    scores: FloatArray
    """(P, k, 4) violation probabilities."""
    finished: BoolArray
    """(P, k) those that ended by themselves; the others were cut at the token limit."""
    empty: BoolArray
    """(P, k) those without a word, which can't stand in a pair."""

    def take(self, prompts: slice) -> "JudgedAnswers":
        """The answers to some of the prompts."""
        return JudgedAnswers(self.scores[prompts], self.finished[prompts], self.empty[prompts])


def choose_pairs(
    answers: JudgedAnswers, weights: FloatArray, settings: SampleSettings
) -> ChosenPairs:
    """Pair, for each prompt, the two answers that are furthest apart on the trained maxims.

    An answer without its end of text is never chosen, which would teach to break off. It may be rejected: were it not,
    nothing would speak against answers that don't end, and they would grow from round to round.

    Args:
        answers: what to choose from.
        weights: (4,) of the stage's maxims; one without weight may get worse by `settings.max_loss`.
        settings: how far apart they have to be.
    """
    num_prompts, k = answers.finished.shape
    size = max(1, _BLOCK // (k * k))
    blocks = [
        _best(answers.take(slice(start, start + size)), weights, settings)
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
    answers: JudgedAnswers, weights: FloatArray, settings: SampleSettings
) -> tuple[IntArray, IntArray]:
    """(P,) the best pair as chosen · k + rejected; (P,) the reason against any, −1 if there is none."""
    scores = answers.scores
    may_be_chosen = answers.finished & ~answers.empty
    margins = scores[:, None, :, :] - scores[:, :, None, :]  # [p, i, j]: i chosen, j rejected
    gains = margins @ (weights / weights.sum())
    usable = may_be_chosen[:, :, None] & ~answers.empty[:, None, :]
    apart = usable & (gains >= settings.min_gain)
    harmless = (margins[..., weights == 0] >= -settings.max_loss).all(axis=-1)
    good = (apart & harmless).reshape(len(scores), -1)
    place = np.where(good, gains.reshape(good.shape), -np.inf).argmax(axis=1)
    reason = np.select(
        [~may_be_chosen.any(axis=1), ~apart.any(axis=(1, 2)), ~good.any(axis=1)],
        range(len(REASONS)),
        default=-1,
    )
    return place, reason
