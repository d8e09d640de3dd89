"""What a model says about a few rows, by which another form of it is known to be the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from peft import PeftModel
from torch import Tensor

from grice_core.dpo.encode import EncodedPair, Ids
from grice_core.dpo.policy import reference
from grice_core.dpo.signature import accepted
from grice_core.kernels.choice import plain_kernels

ROUNDING = 2e-5
"""Of the largest log-probability: what another order of sums may change in fp32."""
SHARE_OF_EFFECT = 1e-3
"""Of what the adapter changes: the most that its published form may be off by."""
_LAST = 16
"""Places of a row that are looked at."""


@dataclass(frozen=True)
class Probe:
    """What a trained model says about a few rows, and what was said before it was trained."""

    rows: tuple[Ids, ...]
    trained: tuple[Tensor, ...]
    """Log-probabilities (places, vocabulary) at the end of each row."""
    effect: float
    """Largest change that training made to one of them."""

    @classmethod
    def of(cls, policy: PeftModel, pairs: Sequence[EncodedPair]) -> "Probe":
        """Of a policy, on the pairs with the fewest and the most tokens."""
        by_length = sorted(pairs, key=lambda pair: len(pair.prompt) + len(pair.chosen))
        rows = tuple((*pair.prompt, *pair.chosen) for pair in (by_length[0], by_length[-1]))
        policy.eval()
        trained = log_probabilities(policy, rows)
        with reference(policy):
            return cls.between(rows, trained, log_probabilities(policy, rows))

    @classmethod
    def between(
        cls, rows: tuple[Ids, ...], trained: tuple[Tensor, ...], before: tuple[Tensor, ...]
    ) -> "Probe":
        """Of what two models say about the same rows."""
        return cls(rows, trained, _largest_gap(trained, before))

    def gap_to(self, model: torch.nn.Module) -> float:
        """Largest difference of a log-probability between this model and the trained one."""
        return _largest_gap(self.trained, log_probabilities(model, self.rows))

    @property
    def tolerance(self) -> float:
        """The largest difference that is rounding."""
        scale = max(float(each.abs().max()) for each in self.trained)
        return max(ROUNDING * scale, SHARE_OF_EFFECT * self.effect)

    def accepts(self, gap: float) -> bool:
        """Whether a difference is rounding."""
        return gap <= self.tolerance


def log_probabilities(model: torch.nn.Module, rows: Sequence[Ids]) -> tuple[Tensor, ...]:
    """(places, vocabulary) at the end of each row, in fp32 by plain operations."""
    device = next(model.parameters()).device
    found = []
    with torch.no_grad(), plain_kernels(), torch.autocast(device.type, enabled=False):
        for row in rows:
            ids = torch.tensor([list(row)], device=device)
            logits = model(input_ids=ids, **accepted(model, use_cache=False)).logits[0]
            found.append(logits[-_LAST:].float().log_softmax(dim=-1).cpu())
    return tuple(found)


def _largest_gap(some: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    gaps = (one - other for one, other in zip(some, others, strict=True))
    return max(float(gap.abs().max()) for gap in gaps)
