"""What passes over responses give, as numbers that two kinds of passes can be compared by."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from peft import PeftModel
from torch import Tensor

SMALL_GRADIENT = 1e-2
"""A matrix whose gradient is smaller than this share of the largest is measured by this share."""


@dataclass(frozen=True)
class Measured:
    """What some passes give for the responses of some trees."""

    values: Tensor
    """(responses,) log-probabilities."""
    gradients: Mapping[str, Tensor]
    """Of the adapter's matrices, of a sum in which each response weighs differently."""

    def gap_to(self, exact: "Measured") -> float:
        """Largest relative difference of a log-probability."""
        return relative_gap(self.values, exact.values)

    def gradient_gap_to(self, exact: "Measured") -> float:
        """Largest relative difference of a matrix's gradient."""
        norms = {name: float(gradient.norm()) for name, gradient in exact.gradients.items()}
        floor = SMALL_GRADIENT * max(norms.values(), default=0.0)
        worst = 0.0
        for name in exact.gradients.keys() | self.gradients.keys():
            there = [each[name] for each in (self.gradients, exact.gradients) if name in each]
            gap = float((there[0] - there[1] if len(there) == 2 else there[0]).norm())
            if gap:
                worst = max(worst, gap / max(norms.get(name, 0.0), floor, 1e-30))
        return worst


def measured(policy: PeftModel, values: Tensor) -> Measured:
    """Log-probabilities with their graph, and the gradients of a sum of them."""
    weights = torch.linspace(-1, 2, len(values), device=values.device)
    named = {name: p for name, p in policy.named_parameters() if p.requires_grad}
    found = torch.autograd.grad((weights * values).sum(), list(named.values()), allow_unused=True)
    gradients = {
        name: gradient.detach()
        for name, gradient in zip(named, found, strict=True)
        if gradient is not None
    }
    return Measured(values.detach(), gradients)


def relative_gap(found: Tensor, exact: Tensor) -> float:
    """Largest relative difference of (responses,) log-probabilities."""
    return float(((found - exact).abs() / exact.abs().clamp(min=1.0)).max())
