"""What is measured on pairs during training, under the names that TRL's logs use."""

from collections.abc import Callable

import numpy as np
import torch

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.dpo.logps import PairLogps
from grice_core.dpo.loss import PairLosses
from grice_core.maxims import MAXIMS

CLEAR_MARGIN = 0.1
"""A data margin beyond ± this says which response is better on a maxim."""

TIE = 1e-3
"""|Δ| in nats below which policy and reference prefer equally: rounding, not learning."""

SFT_LOSS = "loss/sft"

Metrics = dict[str, float]


class PairMeans:
    """Sums over pairs, batch by batch, whose means are those of all pairs, not means of means."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, name: str, values: torch.Tensor) -> None:
        """Take (n,) values into the mean of this name."""
        self._sums[name] = self._sums.get(name, 0.0) + float(
            values.detach().sum(dtype=torch.double)
        )
        self._counts[name] = self._counts.get(name, 0) + len(values)

    def add_all(self, other: "PairMeans") -> None:
        """Take over what another process has added up."""
        for name, total in other._sums.items():
            self._sums[name] = self._sums.get(name, 0.0) + total
            self._counts[name] = self._counts.get(name, 0) + other._counts[name]

    def means(self, prefix: str = "") -> Metrics:
        """Mean of each name that got at least one value."""
        return {
            prefix + name: total / self._counts[name]
            for name, total in self._sums.items()
            if self._counts[name]
        }


def add_batch(
    means: PairMeans, losses: PairLosses, policy: PairLogps, shares: torch.Tensor
) -> None:
    """Take a batch into the metrics of training.

    Shapes: all (n,), shares (n, 4). `loss/<maxim>` is the maxim's part of `loss`, `loss/sft` the SFT
    term's; the parts of the maxims with a weight and the term add up to it.
    """
    rewards = losses.chosen_rewards - losses.rejected_rewards
    means.add("loss", losses.losses)
    # Σ_m share_m · objective: each maxim's part is the preference loss times its part of the weight.
    parts = (
        losses.preference.detach()[:, None]
        * shares
        / shares.sum(dim=1, keepdim=True).clamp(min=1e-12)
    )
    for maxim, part, share in zip(MAXIMS, parts.T, shares.T, strict=True):
        if bool((share > 0).any()):
            means.add(f"loss/{maxim}", part)
    if losses.sft is not None:
        means.add(SFT_LOSS, losses.sft)
    means.add("rewards/chosen", losses.chosen_rewards)
    means.add("rewards/rejected", losses.rejected_rewards)
    means.add("rewards/margins", rewards)
    means.add("logps/chosen", policy.chosen)
    means.add("logps/rejected", policy.rejected)


def add_accuracies(means: PairMeans, delta: torch.Tensor, margins: FloatArray) -> None:
    """Take a batch into the accuracies: how often the policy's new preference is the data's.

    Shapes: delta (n,) is Δ, margins (n, 4). A tie counts half, so an untrained adapter has 50 %.
    Per maxim over the pairs whose data margin is clear, in the direction that it points.
    """
    means.add("rewards/accuracies", _wins(delta))
    add_by_maxim(means, "accuracies", delta, margins, _wins)


def add_by_maxim(
    means: PairMeans,
    name: str,
    delta: torch.Tensor,
    margins: FloatArray,
    value: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    """Take into `name/<maxim>` a value of each pair whose data margin on the maxim is clear.

    Shapes: delta (n,), margins (n, 4). `value` is given Δ, positive where it goes in the direction that the data
    margin points.
    """
    clear = torch.from_numpy(is_clear(margins)).to(delta.device)
    signs = torch.from_numpy(np.sign(margins)).to(delta)
    for maxim, those, sign in zip(MAXIMS, clear.T, signs.T, strict=True):
        means.add(f"{name}/{maxim}", value((delta * sign)[those]))


def is_clear(margins: FloatArray) -> BoolArray:
    """(n, 4) where a data margin says which response is better."""
    return np.asarray(np.abs(margins.astype(np.float32)) > np.float32(CLEAR_MARGIN))


def _wins(delta: torch.Tensor) -> torch.Tensor:
    """1 where positive, 0 where negative, ½ where neither by more than rounding."""
    return torch.where(delta.abs() <= TIE, 0.5, (delta > 0).double())
