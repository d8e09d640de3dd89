"""GPT-2's activation in one operation that keeps one tensor for backward.

In transformers it is eight operations in a row, each of which keeps a result of its own.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers.activations import NewGELUActivation

from grice_core.kernels.choice import uses_plain


def fuse_activations(model: nn.Module) -> None:
    """Replace GPT-2's GELU, wherever a model has it; equal to the last digits of fp32."""
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, FusedGELU())


def plain_gelu(x: Tensor) -> Tensor:
    """The plain twin: torch's own operation."""
    return nn.functional.gelu(x, approximate="tanh")


class FusedGELU(nn.Module):
    """GELU's approximation by tanh (arXiv 1606.08415), as GPT-2 has it."""

    def forward(self, x: Tensor) -> Tensor:
        """GELU of each element."""
        if uses_plain() or x.device.type != "cpu" or x.dtype not in _CPU_IMPLS:
            return plain_gelu(x)
        out: Tensor = _CPU_IMPLS[x.dtype].apply(x)  # type: ignore[no-untyped-call]
        return out


class _SigmoidGELU(torch.autograd.Function):
    """x (1 + tanh u) / 2 = x σ(2u), since torch's tanh takes a CPU seven times as long as its σ."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _sigmoid_of_2u(x).mul_(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.ops.aten.gelu_backward(gradients[0], x, approximate="tanh")  # type: ignore[no-any-return]


class _SlopeGELU(torch.autograd.Function):
    """The same in bf16, which keeps its slope instead of x: cheap while σ is at hand.

    Computed in fp32, in pieces that stay in the CPU's cache. Forward equals torch's; backward does but for
    the slope's rounding.
    """

    PIECE = 2**16
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
            product = exact * sigmoid
            out.view(-1)[piece] = product
            if slope is not None:
                # (x σ)' = σ + x σ (1 − σ) (2u)'
                grad_2u = torch.addcmul(exact.new_tensor(_SLOPE), exact, exact, value=3 * _CUBIC)
                slope.view(-1)[piece] = torch.addcmul(sigmoid, grad_2u.mul_(product), 1 - sigmoid)
        ctx.save_for_backward(slope)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (slope,) = ctx.saved_tensors
        return torch.mul(gradients[0], slope)


_CPU_IMPLS = {torch.float32: _SigmoidGELU, torch.bfloat16: _SlopeGELU}

_SLOPE = 2 * math.sqrt(2 / math.pi)
_CUBIC = _SLOPE * 0.044715


def _sigmoid_of_2u(x: Tensor) -> Tensor:
    """σ(2u), 2u = x (_SLOPE + _CUBIC x²)."""
    return torch.addcmul(x.new_tensor(_SLOPE), x, x, value=_CUBIC).mul_(x).sigmoid_()
