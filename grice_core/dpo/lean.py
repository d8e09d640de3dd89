"""The same functions at less cost, put in the place of what the libraries bring.

On a CPU whose matrix products are fast, a step spends much of its time between them: GPT-2's activation
is eight operations in a row, each of which keeps a copy for the way back, and drawing a number for each
element that LoRA's dropout looks at takes longer than dropping it.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers.activations import NewGELUActivation

NUM_GAPS = 2**16
"""Equally likely gaps that a dropout chooses from: as many as two random bytes tell apart."""


def fuse_activations(model: nn.Module) -> None:
    """Let GPT-2's GELU keep nothing but its input; the same formula, equal to the last digits of fp32."""
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, FusedGELU())


class FusedGELU(nn.Module):
    """GELU's approximation by tanh (arXiv 1606.08415), as GPT-2 has it."""

    def forward(self, x: Tensor) -> Tensor:
        """GELU of each element."""
        if x.device.type == "cpu" and x.dtype in _WAYS_ON_CPU:
            out: Tensor = _WAYS_ON_CPU[x.dtype].apply(x)  # type: ignore[no-untyped-call]
            return out
        return nn.functional.gelu(x, approximate="tanh")


class _SigmoidGELU(torch.autograd.Function):
    """x (1 + tanh u) / 2 = x σ(2u), since torch's tanh takes a processor seven times as long as its σ."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _sigmoid_of_2u(x).mul_(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.ops.aten.gelu_backward(gradients[0], x, approximate="tanh")  # type: ignore[no-any-return]


class _SlopeGELU(torch.autograd.Function):
    """The same in bf16, which keeps its slope and not x: that is cheap while σ is at hand.

    Computed in fp32, by pieces that stay in the processor's cache; equal to torch's there, and on the way
    back but for the slope's own rounding.
    """

    PIECE = 2**18
    """Elements."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.contiguous()
        out = torch.empty_like(x)
        slope = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        for start in range(0, x.numel(), _SlopeGELU.PIECE):
            piece = slice(start, start + _SlopeGELU.PIECE)
            exact = x.view(-1)[piece].float()
            sigmoid = _sigmoid_of_2u(exact)
            made = exact * sigmoid
            out.view(-1)[piece] = made
            if slope is not None:
                # (x σ)' = σ + x σ (1 − σ) (2u)'
                of_2u = torch.addcmul(exact.new_tensor(_SLOPE), exact, exact, value=3 * _CUBIC)
                slope.view(-1)[piece] = torch.addcmul(sigmoid, of_2u.mul_(made), 1 - sigmoid)
        ctx.save_for_backward(slope)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (slope,) = ctx.saved_tensors
        return torch.mul(gradients[0], slope)


_WAYS_ON_CPU = {torch.float32: _SigmoidGELU, torch.bfloat16: _SlopeGELU}

_SLOPE = 2 * math.sqrt(2 / math.pi)
_CUBIC = _SLOPE * 0.044715


def _sigmoid_of_2u(x: Tensor) -> Tensor:
    """σ(2u), 2u = x (_SLOPE + _CUBIC x²)."""
    return torch.addcmul(x.new_tensor(_SLOPE), x, x, value=_CUBIC).mul_(x).sigmoid_()


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
