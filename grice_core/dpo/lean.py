"""The same functions at less cost, put in the place of what the libraries bring.

On a CPU whose matrix products are fast, a step spends much of its time between them: GPT-2's activation
is eight operations in a row, each of which keeps a copy for the way back, and drawing a number for each
element that LoRA's dropout looks at takes longer than dropping it.
"""

from typing import Any

import numpy as np
import torch
from peft import PeftModel
from torch import Tensor, nn
from transformers.activations import NewGELUActivation

_BITS = 16
"""Of a random number, which decides over one element."""


def fuse_activations(model: nn.Module) -> None:
    """Compute GPT-2's GELU in one operation; the same formula, equal to the last digits of fp32."""
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, nn.GELU(approximate="tanh"))


def draw_dropout_in_bulk(policy: PeftModel) -> None:
    """Let LoRA's dropout draw its numbers in bulk; for a policy on a CPU."""
    for module in policy.modules():
        dropouts = getattr(module, "lora_dropout", {})
        for name, dropout in dropouts.items():
            if isinstance(dropout, nn.Dropout):
                dropouts[name] = BulkDropout(dropout.p)


class BulkDropout(nn.Module):
    """Dropout (arXiv 1207.0580) by 16 bits an element, drawn at once from one number of torch's.

    So it depends on torch's seed and nothing else. The share dropped is that of the nearest 1/65536.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.num_dropped = round(p * 2**_BITS)
        """Of the 65536 numbers that can be drawn."""

    def forward(self, x: Tensor) -> Tensor:
        """The elements of x that stay, scaled so that the mean stays, where others are 0."""
        if not self.training or self.num_dropped == 0:
            return x
        dropped: Tensor = _Dropped.apply(x, self.num_dropped)  # type: ignore[no-untyped-call]
        return dropped


class _Dropped(torch.autograd.Function):
    """Drops elements, and their gradient on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, num_dropped: int) -> Tensor:
        seed = int(torch.randint(2**62, ()))
        drawn = np.random.SFC64(seed).random_raw(-(-x.numel() // 4)).view(np.int16)[: x.numel()]
        kept = torch.from_numpy(drawn).view(x.shape) >= num_dropped - 2 ** (_BITS - 1)
        ctx.save_for_backward(kept)
        ctx.scale = 2**_BITS / (2**_BITS - num_dropped)
        return _scaled(x, kept, ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (kept,) = ctx.saved_tensors
        return _scaled(gradients[0], kept, ctx.scale), None


def _scaled(x: Tensor, kept: Tensor, scale: float) -> Tensor:
    return torch.where(kept, x, 0.0).mul_(scale)
