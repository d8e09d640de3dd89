"""What one stage trains on and what it watches."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np
import torch

from grice_core.data.pairs import FloatArray, IntArray
from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.logps import PairLogps, Passes
from grice_core.dpo.loss import PairBatch
from grice_core.dpo.prefix_trees import num_shared_tokens
from grice_core.kernels.checkpointing import gradient_checkpointing
from grice_core.kernels.token_logps import FrozenHead

HELDOUT = "heldout"
"""Name of the stage's own held-out pairs among the watched groups."""


@dataclass(frozen=True, eq=False)
class StagePreferences:
    """The pairs that a stage is trained on, and where its reference stands on them."""

    pairs: tuple[EncodedPair, ...]
    margins: FloatArray
    """(n, 4) data margins."""
    reference: FloatArray
    """(n,) chosen's minus rejected's log-probability under the stage's reference, in nats."""
    beta: float
    """At the stage's last step."""


@dataclass(frozen=True)
class StageExamples:
    """n encoded pairs of a stage, with everything that the loss needs besides the policy."""

    pairs: tuple[EncodedPair, ...]
    margins: FloatArray
    """(n, 4) data margins."""
    shares: FloatArray
    """(n, 4) what each maxim adds to a pair's weight; a row's sum is the weight."""
    train: IntArray
    """Indices of the pairs to train on."""
    watched: Mapping[str, IntArray]
    """Groups of pairs that are never trained on, by name: `heldout`, earlier stages' …"""
    earlier: Mapping[str, StagePreferences] = field(default_factory=dict)
    """What earlier stages were trained on, by their names: looked at again when this one has ended."""

    def batch(self, indices: IntArray, whole: IntArray, device: torch.device) -> PairBatch:
        """Weights and lengths of some pairs, which are a part of `whole`, an optimizer step's."""
        shares = torch.from_numpy(self.shares[indices]).to(device)
        chosen = [len(self.pairs[index].chosen) for index in indices]
        rejected = [len(self.pairs[index].rejected) for index in indices]
        return PairBatch(
            weights=shares.sum(dim=1).float(),
            chosen_tokens=torch.tensor(chosen, device=device),
            rejected_tokens=torch.tensor(rejected, device=device),
            mean_chosen_tokens=sum(len(self.pairs[index].chosen) for index in whole) / len(whole),
        )

    def shortest(self, count: int) -> IntArray:
        """Indices of the training pairs with the fewest tokens, the shortest first."""
        sizes = [num_shared_tokens([self.pairs[index]]) for index in self.train]
        chosen: IntArray = self.train[np.argsort(sizes, kind="stable")[:count]]
        return chosen


@dataclass(frozen=True)
class Compute:
    """How forward passes are run; none of it changes what is computed, but for rounding."""

    device: torch.device
    dtype: torch.dtype = torch.float32
    """Number format of matrix products; bf16 runs under autocast, adapters stay fp32."""
    passes: Passes = "shared"
    budget: TokenBudget = field(default_factory=TokenBudget)
    """Of one forward pass; shrinks where memory runs out."""
    head: FrozenHead | None = None
    """The policy's `prepacked_head`, shared by all passes; None: the last layer as it is."""
    recomputes: bool = False
    """Whether layers are computed again in backward (gradient checkpointing)."""

    def checkpointing(self) -> AbstractContextManager[None]:
        """The context in which a forward pass runs that a backward one follows."""
        return gradient_checkpointing(enabled=self.recomputes)

    def autocast(self) -> torch.autocast:
        """The context in which a forward pass runs."""
        return torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16
        )


@dataclass(frozen=True)
class ReferenceLogps:
    """Log-probabilities of all n pairs under the reference, on the CPU."""

    chosen: torch.Tensor
    """(n,) float32."""
    rejected: torch.Tensor
    """(n,) float32."""

    def at(self, indices: IntArray, device: torch.device) -> PairLogps:
        """Those of some pairs, where the policy is."""
        wanted = torch.from_numpy(indices)
        return PairLogps(self.chosen[wanted].to(device), self.rejected[wanted].to(device))
