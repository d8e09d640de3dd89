"""A layer with its LoRA (arXiv 2106.09685) as one operation, for a policy on a CPU.

    y = x W + b + s · drop(x) Aᵀ Bᵀ

PEFT takes eight operations for it, each with a result of its own, and autocast casts the frozen W to bf16 at
every pass. Here the second product is added in place, forward and backward, W is cast and prepacked once for
each direction (`linear.py`), and only what backward needs is kept.
"""

from typing import Any

import torch
from peft import PeftModel
from peft.tuners import lora
from torch import Tensor

from grice_core.kernels.choice import uses_plain
from grice_core.kernels.dropout import BulkDropout, unchanged_at, zero_at
from grice_core.kernels.linear import FrozenLinear, is_linear
from grice_core.kernels.precision import product_dtype
from grice_core.kernels.stored import wants_prepacking


def fuse_lora(policy: PeftModel) -> None:
    """Let each adapted linear layer compute itself and its LoRA in one operation."""
    prepack = wants_prepacking(policy)
    for module in policy.modules():
        if isinstance(module, lora.Linear) and is_linear(module.get_base_layer()):
            module.forward = FusedLora(module, prepack)


def plain_lora(module: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The plain twin: PEFT's own forward pass."""
    out: Tensor = type(module).forward(module, x, *args, **kwargs)
    return out


class FusedLora:
    """Replaces a LoRA layer's `forward`."""

    def __init__(self, module: Any, prepack: bool) -> None:
        self._module = module
        self._frozen = FrozenLinear(module.get_base_layer(), prepack=prepack)

    def __call__(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """(…, in) to (…, out)."""
        module = self._module
        if uses_plain() or module.merged or module.active_adapters != ["default"]:
            return plain_lora(module, x, *args, **kwargs)
        rows = x.reshape(-1, x.shape[-1])
        if module.disable_adapters:
            out = self._frozen(rows.to(product_dtype(x)))
        else:
            out = _LoraLinear.apply(  # type: ignore[no-untyped-call]
                rows,
                module.lora_A["default"].weight,
                module.lora_B["default"].weight,
                self._frozen,
                module.scaling["default"],
                module.lora_dropout["default"],
            )
        return out.view(*x.shape[:-1], out.shape[-1])


class _LoraLinear(torch.autograd.Function):
    """The formula above, for x (tokens, in), A (r, in) and B (out, r)."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, a: Tensor, b: Tensor, frozen: FrozenLinear, scaling: float, drop: Any
    ) -> Tensor:
        dtype = product_dtype(x)
        rows = x.to(dtype)
        a_dtype, b_dtype = a.dtype, b.dtype
        a, b = a.to(dtype), b.to(dtype)
        out = frozen(rows)
        dropped, ctx.scale = None, scaling
        if isinstance(drop, BulkDropout) and drop.drops:
            dropped = drop.sample(rows.numel())
            ctx.scale = scaling / (1 - drop.p)
            rows = zero_at(rows.clone() if rows is x else rows, dropped)
            dropped = dropped.int()  # half the memory until backward
        inner = rows @ a.t()
        out.addmm_(inner, b.t(), alpha=ctx.scale)
        ctx.save_for_backward(rows, inner, a, b, dropped)
        ctx.frozen, ctx.dtypes = frozen, (x.dtype, a_dtype, b_dtype)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, inner, a, b, dropped = ctx.saved_tensors
        x_dtype, a_dtype, b_dtype = ctx.dtypes
        grad_out = gradients[0].to(rows.dtype)
        grad_inner = (grad_out @ b).mul_(ctx.scale)
        grad_b = (grad_out.t() @ inner).to(b_dtype).mul_(ctx.scale)
        grad_a = (grad_inner.t() @ rows).to(a_dtype)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = ctx.frozen.backward(grad_out)
            with unchanged_at(grad_x, dropped):
                grad_x.addmm_(grad_inner, a)
            grad_x = grad_x.to(x_dtype)
        return grad_x, grad_a, grad_b, None, None, None
