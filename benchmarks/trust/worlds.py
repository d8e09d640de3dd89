"""Two models' answers whose true violations are known, and a detector that errs."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from grice_core.data.pairs import FloatArray
from grice_core.evaluation.judging_plan import JudgedPair
from grice_core.evaluation.picking import pick_weights
from grice_core.maxims import MAXIMS

_ALIKE = 0.3
"""Correlation between what the two models do on one prompt."""
Rates = tuple[float, float, float, float]


@dataclass(frozen=True)
class Kind:
    """What a pipeline really did: how often each maxim is violated, before and after."""

    name: str
    before: Rates
    after: Rates


KINDS = (
    Kind("all better", (0.4, 0.35, 0.35, 0.3), (0.1, 0.08, 0.05, 0.07)),
    Kind("much better", (0.5, 0.45, 0.5, 0.4), (0.05, 0.05, 0.05, 0.05)),
    Kind("manner worse", (0.3, 0.25, 0.2, 0.2), (0.1, 0.1, 0.1, 0.4)),
    Kind("better, too little", (0.5, 0.4, 0.4, 0.4), (0.3, 0.2, 0.2, 0.2)),
)


@dataclass(frozen=True, eq=False)
class World:
    """M prompts, answered once by each of two models."""

    truth: FloatArray
    """(2, M, 4) 1 for violated."""
    scores: FloatArray
    """(2, M, 4)"""

    def judged(self, picks: list[int], relative_chances: list[float]) -> JudgedPair:
        """What is known once the truth of these prompts is, picked in this order."""
        num_prompts = self.truth.shape[1]
        labels = np.full((2, num_prompts, 1, len(MAXIMS) + 1), np.nan)
        labels[:, picks, 0] = outcomes(self.truth[:, picks])
        chances = np.ones((num_prompts, 1))
        chances[picks, 0] = 1 / pick_weights(relative_chances, num_prompts)
        return JudgedPair(
            scores=self.scores,
            thresholds=np.full(len(MAXIMS), 0.5),
            judged=outcomes((self.scores > 0.5).astype(np.float64))[:, :, None],
            labels=labels,
            chances=chances,
        )


def draw_world(
    kind: Kind, auroc: float, num_prompts: int, rng: np.random.Generator, is_fooled: bool = False
) -> World:
    """A world; a detector that is fooled takes the last model's answers for sound ones."""
    of_prompt = rng.normal(size=(num_prompts, len(MAXIMS)))
    truth = np.stack(
        [
            np.sqrt(_ALIKE) * of_prompt + np.sqrt(1 - _ALIKE) * rng.normal(size=of_prompt.shape)
            < norm.ppf(rates)
            for rates in (kind.before, kind.after)
        ]
    ).astype(np.float64)
    apart = norm.ppf(auroc) * np.sqrt(2)
    seen = truth * np.array([1.0, 0.0 if is_fooled else 1.0])[:, None, None]
    strength = apart * (rng.normal(size=truth.shape) + apart * seen - apart / 2)
    return World(truth, 1 / (1 + np.exp(-strength)))


def outcomes(violated: FloatArray) -> FloatArray:
    """(…, 4) violations to (…, 5): whether none is violated comes last."""
    return np.concatenate([violated, 1 - violated.max(axis=-1, keepdims=True)], axis=-1)
