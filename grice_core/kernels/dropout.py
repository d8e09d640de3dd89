"""LoRA's dropout at less cost: sampling a number for each element takes longer than dropping it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grice_core.kernels.choice import uses_plain

NUM_GAPS = 2**16
"""Equally likely gaps that a dropout chooses from: as many as two random bytes tell apart."""


class BulkDropout(nn.Module):
    """Dropout (arXiv 1207.0580) that samples how far it is from one dropped element to the next.

    These gaps are geometric if elements are dropped independently, so one number is sampled for each
    dropped element instead of one for each element. Like torch's own dropout it depends on the state of
    torch's generator and nothing else.

    A gap is one of 65,536 equally likely ones, which makes each length as likely as it should be to
    within 1/65,536, and the dropped share `p` to within 1/50,000 of itself.

    The plain twin, `nn.functional.dropout`, has the same distribution but uses the generator's numbers
    otherwise: from one seed it drops other elements. A run is as reproducible with one as with the other,
    but two runs with dropout are equal only if both used the same.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        """Share that is dropped, below 1."""

    @property
    def drops(self) -> bool:
        """Whether anything is dropped at the moment."""
        return self.training and self.p > 0

    def plain(self, x: Tensor) -> Tensor:
        """The plain twin of `forward`, where something is dropped."""
        return nn.functional.dropout(x, self.p)

    def sample(self, num_elements: int) -> Tensor:
        """(dropped,) ascending int64 indices of the elements to drop among so many."""
        gaps = _equally_likely_gaps(self.p)
        parts, last = [], -1
        while last < num_elements:
            expected = self.p * (num_elements - last)
            choices = _random_choices(math.ceil(expected + 4 * math.sqrt(expected) + 1))
            part = np.cumsum(gaps.take(choices), dtype=np.int64)
            part += last
            parts.append(part)
            last = int(part[-1])
        indices = np.concatenate(parts) if len(parts) > 1 else parts[0]
        return torch.from_numpy(indices[: np.searchsorted(indices, num_elements)])

    def forward(self, x: Tensor) -> Tensor:
        """x with the dropped elements 0, and the others scaled by 1 / (1 − p)."""
        if not self.drops:
            return x
        if uses_plain():
            return self.plain(x)
        dropped: Tensor = _Drop.apply(x, self.sample(x.numel()), self.p)  # type: ignore[no-untyped-call]
        return dropped


@lru_cache(maxsize=8)
def _equally_likely_gaps(p: float) -> NDArray[Any]:
    """(NUM_GAPS,) distances from one dropped element to the next, at evenly spaced quantiles."""
    quantiles = (np.arange(NUM_GAPS) + 0.5) / NUM_GAPS
    gaps = np.ceil(np.log1p(-quantiles) / math.log1p(-p))
    return gaps.astype(np.min_scalar_type(int(gaps.max())))  # small, to stay in the cache


def _random_choices(count: int) -> NDArray[np.uint16]:
    """At least `count` numbers below NUM_GAPS: four from each of torch's 64-bit numbers."""
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None)
    return bits.numpy().view(np.uint16)


def zero_at(x: Tensor, indices: Tensor) -> Tensor:
    """x, which is contiguous, with 0 at these flat indices, in place."""
    x.view(-1).index_fill_(0, indices.long(), 0)
    return x


@contextmanager
def unchanged_at(x: Tensor, indices: Tensor | None) -> Iterator[None]:
    """Restore x, which is contiguous and changed in place meanwhile, at these flat indices, if any."""
    if indices is None:
        yield
        return
    flat, indices = x.view(-1), indices.long()
    before = flat.take(indices)
    yield
    flat.index_copy_(0, indices, before)


class _Drop(torch.autograd.Function):
    """Drops elements of x forward, and of its gradient backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, indices: Tensor, p: float) -> Tensor:
        ctx.save_for_backward(indices)
        ctx.scale = 1 / (1 - p)
        return _scaled(x, indices, ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (indices,) = ctx.saved_tensors
        return _scaled(gradients[0], indices, ctx.scale), None, None


def _scaled(x: Tensor, indices: Tensor, scale: float) -> Tensor:
    return zero_at(x.contiguous() * scale, indices)
