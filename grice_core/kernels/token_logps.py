"""Log-probabilities of given tokens, without the logits of all positions in memory at once.

Logits are most of a small model's memory: 50,257 numbers for each predicted token, as often again for
their softmax and its gradient. Here the last layer runs on some positions at a time, and takes its own
gradient while their logits are still at hand (as in Liger's fused linear cross-entropy, arXiv 2410.10989).
"""

from typing import Any

import torch
from torch import Tensor, nn

from grice_core.kernels.linear import FrozenLinear
from grice_core.kernels.precision import product_dtype

CHUNK = 2**24
"""Logits that are in memory at once, about; a position's are never split."""
COLUMNS = 2048
"""Of the vocabulary, in one product on a CPU."""


class FrozenHead:
    """The last layer, by groups of columns where it is on a CPU.

    There a group stays in the processor's cache between the product and its exponential, and has a
    round number of columns, which products ask for: GPT-2's 50,257 at once take half as long again.
    """

    def __init__(self, layer: nn.Linear, *, lays_out: bool = False) -> None:
        self._layer = layer
        count = layer.out_features
        size = COLUMNS if layer.weight.device.type == "cpu" else count
        self.groups = [
            FrozenLinear(layer, slice(start, min(start + size, count)), lays_out=lays_out)
            for start in range(0, count, size)
        ]

    @property
    def num_columns(self) -> int:
        return self._layer.out_features

    def of(self, targets: Tensor) -> Tensor:
        """(tokens, width) float32 weights of each target's logit."""
        return self._layer.weight.detach()[targets].float()


class TokenLogps(torch.autograd.Function):
    """log softmax of the layer's logits at the targets, for hidden (tokens, width)."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: FrozenHead, targets: Tensor) -> Tensor:
        rows = hidden.to(product_dtype(hidden))
        slopes = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        values = []
        size = max(1, CHUNK // head.num_columns)
        for start in range(0, len(hidden), size):
            part = slice(start, start + size)
            softmax = _Softmax(rows[part], head, keep=slopes is not None)
            values.append(softmax.log_at(targets[part]))
            if slopes is not None:
                slopes[part] = softmax.slopes(targets[part])
        ctx.save_for_backward(slopes)
        return torch.cat(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (slopes,) = ctx.saved_tensors
        return slopes * gradients[0][:, None], None, None


class _Softmax:
    """Of the logits of x (tokens, width), one group of columns after another."""

    def __init__(self, x: Tensor, head: FrozenHead, *, keep: bool) -> None:
        self._x, self._head = x, head
        self._keeps = keep
        """Whether `slopes` will be asked for."""
        self._powers: list[Tensor] = []
        """exp(logit − the group's largest), by group."""

    def log_at(self, targets: Tensor) -> Tensor:
        """(tokens,) float32 logarithm of the softmax at each target."""
        logits_at = torch.zeros(len(targets), device=targets.device)
        largest, sums = [], []
        for group in self._head.groups:
            logits = group(self._x).float()
            inside = (targets >= group.columns.start) & (targets < group.columns.stop)
            places = (targets - group.columns.start).clamp(0, logits.shape[1] - 1)
            logits_at = torch.where(inside, logits.gather(1, places[:, None])[:, 0], logits_at)
            largest.append(logits.amax(dim=1))
            powers = logits.sub_(largest[-1][:, None]).exp_()
            sums.append(powers.sum(dim=1))
            if self._keeps:
                self._powers.append(powers)
        self._largest = torch.stack(largest)
        self._total = (self._largest + torch.stack(sums).log()).logsumexp(dim=0)
        return logits_at - self._total

    def slopes(self, targets: Tensor) -> Tensor:
        """(tokens, width) gradient of `log_at`, which was called before, with respect to x.

        Summed in float32, whatever the products run in.
        """
        # d logp / d logits = 1 at the target − softmax
        slopes = self._head.of(targets)
        scales = (self._largest - self._total).exp()
        for group, powers, scale in zip(self._head.groups, self._powers, scales, strict=True):
            slopes -= group.back(powers.mul_(scale[:, None]).to(self._x.dtype))
        return slopes
