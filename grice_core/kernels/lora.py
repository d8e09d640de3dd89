"""A layer with its LoRA (arXiv 2106.09685) as one operation, for a policy on a CPU.

    y = x W + b + s · drop(x) Aᵀ Bᵀ

PEFT takes eight operations for it, each with a result of its own, and autocast turns the frozen W into
bf16 again at every pass. Here the second product is added as it is made, on both ways, W is turned and
laid out once for each (`grice_core/kernels/linear.py`), and only what the way back needs is kept.
"""

from typing import Any

import torch
from peft import PeftModel
from peft.tuners import lora
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from grice_core.kernels.dropout import BulkDropout, forget, unchanged
from grice_core.kernels.linear import FrozenLinear, has_room_for_layouts, is_frozen_linear, is_stock
from grice_core.kernels.precision import product_dtype
from grice_core.kernels.token_logps import FrozenHead


def fuse_lora(policy: PeftModel) -> None:
    """Let each adapted linear layer compute itself and its LoRA in one operation."""
    lays_out = has_room_for_layouts(policy, copies=2)
    for module in policy.modules():
        # A subclass of theirs may do something else in its forward pass.
        if isinstance(module, lora.Linear) and type(module.get_base_layer()) in (nn.Linear, Conv1D):
            module.forward = FusedLora(module, lays_out)
    if is_frozen_linear(head := policy.get_output_embeddings()):
        policy.frozen_head = FrozenHead(head, lays_out=lays_out)


class FusedLora:
    """In the place of a LoRA layer's `forward`."""

    def __init__(self, module: Any, lays_out: bool) -> None:
        self._module = module
        self._frozen = FrozenLinear(module.get_base_layer(), lays_out=lays_out)

    def __call__(self, x: Tensor) -> Tensor:
        """(…, in) to (…, out)."""
        module = self._module
        if is_stock() or module.merged or module.active_adapters != ["default"]:
            whole: Tensor = type(module).forward(module, x)
            return whole
        rows = x.reshape(-1, x.shape[-1])
        if module.disable_adapters:
            out = self._frozen(rows.to(product_dtype(x)))
        else:
            out = _Product.apply(  # type: ignore[no-untyped-call]
                rows,
                module.lora_A["default"].weight,
                module.lora_B["default"].weight,
                self._frozen,
                module.scaling["default"],
                module.lora_dropout["default"],
            )
        return out.view(*x.shape[:-1], out.shape[-1])


class _Product(torch.autograd.Function):
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
            dropped = drop.places(rows.numel())
            ctx.scale = scaling / (1 - drop.p)
            rows = forget(rows.clone() if rows is x else rows, dropped)
            dropped = dropped.int()  # half the memory until the way back
        inner = rows @ a.t()
        out.addmm_(inner, b.t(), alpha=ctx.scale)
        ctx.save_for_backward(rows, inner, a, b, dropped)
        ctx.frozen, ctx.dtypes = frozen, (x.dtype, a_dtype, b_dtype)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, inner, a, b, dropped = ctx.saved_tensors
        x_dtype, a_dtype, b_dtype = ctx.dtypes
        out = gradients[0].to(rows.dtype)
        of_inner = (out @ b).mul_(ctx.scale)
        of_b = (out.t() @ inner).to(b_dtype).mul_(ctx.scale)
        of_a = (of_inner.t() @ rows).to(a_dtype)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = ctx.frozen.back(out)
            with unchanged(of_x, at=dropped):
                of_x.addmm_(of_inner, a)
            of_x = of_x.to(x_dtype)
        return of_x, of_a, of_b, None, None, None
