"""The same functions at less cost, put in the place of what the libraries bring.

On a CPU whose matrix products are fast, a step spends much of its time between them: GPT-2's activation
is eight operations in a row, each of which keeps a copy for the way back, and drawing a number for each
element that LoRA's dropout looks at takes longer than dropping it.
"""

import math
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from torch import Tensor, nn
from transformers.activations import NewGELUActivation


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
    """Dropout (arXiv 1207.0580) that draws how far it is from one dropped element to the next.

    These gaps are geometric if each element is dropped by itself, so one number is drawn for each
    dropped element instead of one for each element. All come from one number of torch's, so they
    depend on torch's seed and nothing else.
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
        seed = int(torch.randint(2**62, ()))
        draw = np.random.Generator(np.random.SFC64(seed))
        mean_gap = -1 / math.log1p(-self.p)
        parts, last = [], -1
        while last < num_elements:
            expected = self.p * (num_elements - last)
            lengths = draw.standard_exponential(
                math.ceil(expected + 4 * math.sqrt(expected) + 1), dtype=np.float32
            )
            gaps = (lengths * np.float32(mean_gap)).astype(np.int64) + 1
            parts.append(last + np.cumsum(gaps))
            last = int(parts[-1][-1])
        places = np.concatenate(parts)
        return torch.from_numpy(places[: np.searchsorted(places, num_elements)])

    def forward(self, x: Tensor) -> Tensor:
        """The elements of x that stay, scaled so that the mean stays, where others are 0."""
        if not self.drops:
            return x
        dropped: Tensor = _Dropped.apply(x, self.places(x.numel()), self.p)  # type: ignore[no-untyped-call]
        return dropped


def forget(x: Tensor, places: Tensor) -> Tensor:
    """x, which is contiguous, with 0 at these places, in place."""
    x.view(-1).index_fill_(0, places, 0)
    return x


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
