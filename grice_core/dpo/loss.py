"""The weighted DPO loss."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import logsigmoid

from grice_core.data.pairs import FloatArray
from grice_core.dpo.logps import PairLogps


@dataclass(frozen=True)
class DpoLosses:
    """Losses and implicit rewards of n pairs."""

    losses: torch.Tensor
    """(n,) weight · −log σ(β · Δ)."""
    chosen_rewards: torch.Tensor
    """(n,) β · (policy − reference) of the chosen response; without gradient."""
    rejected_rewards: torch.Tensor
    """(n,) β · (policy − reference) of the rejected response; without gradient."""


def dpo_losses(
    policy: PairLogps, reference: PairLogps, weights: torch.Tensor, beta: float
) -> DpoLosses:
    """Loss of each pair, with Δ = (π_chosen − π_rejected) − (ref_chosen − ref_rejected).

    Shapes: all (n,). Equation 7 of DPO (arXiv 2305.18290), times the pair's weight.
    """
    delta = policy.margin - reference.margin
    return DpoLosses(
        losses=-weights * logsigmoid(beta * delta),
        chosen_rewards=beta * (policy.chosen - reference.chosen).detach(),
        rejected_rewards=beta * (policy.rejected - reference.rejected).detach(),
    )


def maxim_weights(margins: FloatArray, weights: FloatArray, min_margin: float) -> FloatArray:
    """(n, 4) what each maxim adds to a pair's weight: w_m · max(data margin_m, min) / Σ w.

    Shapes: margins (n, 4), weights (4,). A row's sum is the pair's weight.
    """
    shares: FloatArray = weights * np.maximum(margins, min_margin) / weights.sum()
    return shares
