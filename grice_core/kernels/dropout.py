"""LoRA's dropout at less cost: drawing a number for each element takes longer than dropping it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

NUM_GAPS = 2**16
"""Equally likely gaps that a dropout chooses from: as many as two random bytes tell apart."""


class BulkDropout(nn.Module):
    """Dropout (arXiv 1207.0580) that draws how far it is from one dropped element to the next.

    These gaps are geometric if each element is dropped by itself, so one number is drawn for each
    dropped element instead of one for each element. They are drawn by torch's generator, so they depend
    on its seed and nothing else.

    A gap is one of 65,536 equally likely ones, which makes each length as likely as it should be to
    within 1/65,536, and the dropped share `p` to within 1/50,000 of itself.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        """Share that is dropped, below 1."""

    @property
    def drops(self) -> bool:
        """Whether anything is dropped at the moment."""
        return self.training and self.p > 0

    def places(self, num_elements: int) -> Tensor:
        """Ascending places of the dropped ones among so many elements, drawn anew."""
        gaps = _equally_likely_gaps(self.p)
        parts, last = [], -1
        while last < num_elements:
            expected = self.p * (num_elements - last)
            choices = _random_choices(math.ceil(expected + 4 * math.sqrt(expected) + 1))
            part = np.cumsum(gaps.take(choices), dtype=np.int64)
            part += last
            parts.append(part)
            last = int(part[-1])
        places = np.concatenate(parts) if len(parts) > 1 else parts[0]
        return torch.from_numpy(places[: np.searchsorted(places, num_elements)])

    def forward(self, x: Tensor) -> Tensor:
        """The elements of x that stay, scaled so that the mean stays, where others are 0."""
        if not self.drops:
            return x
        dropped: Tensor = _Dropped.apply(x, self.places(x.numel()), self.p)  # type: ignore[no-untyped-call]
        return dropped


@lru_cache(maxsize=8)
def _equally_likely_gaps(p: float) -> NDArray[Any]:
    """(NUM_GAPS,) distances from one dropped element to the next, at evenly spaced quantiles."""
    quantiles = (np.arange(NUM_GAPS) + 0.5) / NUM_GAPS
    gaps = np.ceil(np.log1p(-quantiles) / math.log1p(-p))
    return gaps.astype(np.min_scalar_type(int(gaps.max())))  # small, to stay in the cache


def _random_choices(count: int) -> NDArray[np.uint16]:
    """At least so many numbers below NUM_GAPS, from torch's random bits, four of each number of its."""
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None)
    return bits.numpy().view(np.uint16)


def forget(x: Tensor, places: Tensor) -> Tensor:
    """x, which is contiguous, with 0 at these places, in place."""
    x.view(-1).index_fill_(0, places.long(), 0)
    return x


@contextmanager
def unchanged(x: Tensor, at: Tensor | None) -> Iterator[None]:
    """x, which is contiguous and may be changed in place meanwhile, has at these places, if any are given,
    what it had before."""
    if at is None:
        yield
        return
    flat, places = x.view(-1), at.long()
    before = flat.take(places)
    yield
    flat.index_copy_(0, places, before)


class _Dropped(torch.autograd.Function):
    """Drops elements, and their gradient on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, places: Tensor, p: float) -> Tensor:
        ctx.save_for_backward(places)
        ctx.scale = 1 / (1 - p)
        return _scaled(x, places, ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (places,) = ctx.saved_tensors
        return _scaled(gradients[0], places, ctx.scale), None, None


def _scaled(x: Tensor, places: Tensor, scale: float) -> Tensor:
    return forget(x.contiguous() * scale, places)
