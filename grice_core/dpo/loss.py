"""The loss of a stage: its objective times each pair's weight, and an SFT term on the chosen responses."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from grice_core.data.pairs import FloatArray
from grice_core.dpo.logps import PairLogps
from grice_core.objectives import OBJECTIVES, Objective, objective
from grice_core.recipes.config import StageConfig


@dataclass(frozen=True)
class PairBatch:
    """What a loss needs of n pairs besides their log-probabilities."""

    weights: torch.Tensor
    """(n,)"""
    chosen_tokens: torch.Tensor
    """(n,) tokens of each chosen response, end of text included."""
    rejected_tokens: torch.Tensor
    """(n,)"""
    mean_chosen_tokens: float
    """Over all pairs of the optimizer step, of which these may be a part."""


@dataclass(frozen=True)
class PairLosses:
    """Losses and implicit rewards of n pairs."""

    preference: torch.Tensor
    """(n,) weight · objective."""
    delta: torch.Tensor
    """(n,) what the objective is taken of, Δ or Δ̄; without gradient."""
    sft: torch.Tensor | None
    """(n,) share of each pair in the SFT term; None without one."""
    chosen_rewards: torch.Tensor
    """(n,) β · (policy − reference) of the chosen response; without gradient."""
    rejected_rewards: torch.Tensor
    """(n,) β · (policy − reference) of the rejected response; without gradient."""

    @property
    def losses(self) -> torch.Tensor:
        """(n,) what is minimised."""
        return self.preference if self.sft is None else self.preference + self.sft


@dataclass(frozen=True)
class StageLoss:
    """weight · objective + sft_weight · SFT term."""

    objective: Objective
    sft_weight: float = 0.0

    @classmethod
    def of(cls, config: StageConfig) -> Self:
        """The loss that a stage's recipe asks for."""
        names = OBJECTIVES[config.loss_type].settings()
        settings = {name: getattr(config, name) for name in names}
        return cls(objective(config.loss_type, **settings), config.sft_weight)

    def of_pairs(
        self, policy: PairLogps, reference: PairLogps, batch: PairBatch, beta: float
    ) -> PairLosses:
        """Loss of each pair. Shapes: all (n,).

        The mean over a step's pairs of the SFT term is the cross-entropy per token of the step's chosen
        responses, as TRL's `sft`; the pairs' weights don't count in it.
        """
        chosen, rejected = policy.chosen - reference.chosen, policy.rejected - reference.rejected
        if self.objective.is_length_normalised:
            delta = chosen / batch.chosen_tokens - rejected / batch.rejected_tokens
        else:
            delta = policy.margin - reference.margin
        sft = None
        if self.sft_weight:
            sft = -self.sft_weight / batch.mean_chosen_tokens * policy.chosen
        return PairLosses(
            preference=batch.weights * self.objective.losses(delta, beta),
            delta=delta.detach(),
            sft=sft,
            chosen_rewards=beta * chosen.detach(),
            rejected_rewards=beta * rejected.detach(),
        )


def maxim_weights(margins: FloatArray, weights: FloatArray, min_margin: float) -> FloatArray:
    """(n, 4) what each maxim adds to a pair's weight: w_m · max(data margin_m, min) / Σ w.

    Shapes: margins (n, 4), weights (4,). A row's sum is the pair's weight.
    """
    shares: FloatArray = weights * np.maximum(margins, min_margin) / weights.sum()
    return shares
