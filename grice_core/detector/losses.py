"""What a detector's logits are trained to minimise."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from grice_core.data.pairs import FloatArray

Loss = Callable[[Tensor, Tensor], Tensor]
"""(B, 4) logits and (B, 4) targets in [0, 1] to a scalar."""


def focal_loss(alpha: float, gamma: float, class_weights: FloatArray) -> Loss:
    """Focal loss (arXiv 1708.02002), each maxim with its weight.

        loss = Σ_m w_m · mean_b alpha · (1 − p)^gamma · −log p / Σ_m w_m

    where p is the probability given to the right answer. As in the field's guide, alpha is the same
    for both answers; the rarer maxims are balanced by their weights.
    """
    shares = torch.tensor(class_weights / class_weights.sum(), dtype=torch.float32)

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        surprise = binary_cross_entropy_with_logits(logits, targets, reduction="none")
        focus = alpha * (1 - torch.exp(-surprise)) ** gamma
        return ((focus * surprise).mean(dim=0) * shares.to(logits.device)).sum()

    return loss


def soft_target_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy to a teacher's probabilities, mean over texts and maxims."""
    return binary_cross_entropy_with_logits(logits, targets)


def inverse_frequency_weights(labels: FloatArray) -> FloatArray:
    """(4,) weights of the maxims from (N, 4) labels: the rarer, the heavier; their mean is 1.

    Violations of 10, 20, 20 and 40 texts give weights in the ratio 4 : 2 : 2 : 1.
    """
    rarity = 1 / np.maximum(labels.sum(axis=0), 1)
    weights: FloatArray = rarity / rarity.mean()
    return weights
