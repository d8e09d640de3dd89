"""Log-probabilities of given tokens, without the logits of all positions in memory at once.

Logits are most of a small model's memory: 50,257 numbers for each predicted token, as often again for
their softmax and its gradient. Here the last layer runs on some positions at a time, and its gradient is
computed while their logits are at hand (as in Liger's fused linear cross-entropy, arXiv 2410.10989).
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


def plain_token_logps(logits: Tensor, targets: Tensor) -> Tensor:
    """(tokens,) float32 log softmax of (tokens, vocabulary) logits at the targets: the plain twin."""
    return -nn.functional.cross_entropy(logits.float(), targets, reduction="none")


class FrozenHead:
    """The last layer, in groups of columns where it is on a CPU.

    There a group stays in the cache between the product and its exponential, and has a round number of
    columns, which products ask for: GPT-2's 50,257 at once take half as long again.
    """

    def __init__(self, layer: nn.Linear, *, prepack: bool = False) -> None:
        self.layer = layer
        count = layer.out_features
        size = COLUMNS if layer.weight.device.type == "cpu" else count
        self.groups = [
            FrozenLinear(layer, slice(start, min(start + size, count)), prepack=prepack)
            for start in range(0, count, size)
        ]

    def weights_at(self, targets: Tensor) -> Tensor:
        """(tokens, width) float32 weights of each target's logit."""
        return self.layer.weight.detach()[targets].float()


class TokenLogps(torch.autograd.Function):
    """(tokens,) float32 log softmax of the head's logits at the targets, for hidden (tokens, width)."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: FrozenHead, targets: Tensor) -> Tensor:
        rows = hidden.to(product_dtype(hidden))
        grad_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        values = []
        size = max(1, CHUNK // head.layer.out_features)
        for start in range(0, len(hidden), size):
            part = slice(start, start + size)
            softmax = _Softmax(rows[part], head, keep=grad_hidden is not None)
            values.append(softmax.log_at(targets[part]))
            if grad_hidden is not None:
                grad_hidden[part] = softmax.gradient(targets[part])
        ctx.save_for_backward(grad_hidden)
        return torch.cat(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (grad_hidden,) = ctx.saved_tensors
        return grad_hidden * gradients[0][:, None], None, None


class _Softmax:
    """Of the logits of x (tokens, width), one group of columns after another."""

    def __init__(self, x: Tensor, head: FrozenHead, *, keep: bool) -> None:
        self._x, self._head = x, head
        self._keeps = keep
        """Whether `gradient` will be asked for."""
        self._powers: list[Tensor] = []
        """exp(logit − the group's largest), by group."""

    def log_at(self, targets: Tensor) -> Tensor:
        """(tokens,) float32 logarithm of the softmax at each target."""
        logits_at = torch.zeros(len(targets), device=targets.device)
        largest, sums = [], []
        for group in self._head.groups:
            logits = group(self._x).float()
            inside = (targets >= group.columns.start) & (targets < group.columns.stop)
            columns = (targets - group.columns.start).clamp(0, logits.shape[1] - 1)
            logits_at = torch.where(inside, logits.gather(1, columns[:, None])[:, 0], logits_at)
            largest.append(logits.amax(dim=1))
            powers = logits.sub_(largest[-1][:, None]).exp_()
            sums.append(powers.sum(dim=1))
            if self._keeps:
                self._powers.append(powers)
        self._largest = torch.stack(largest)
        self._total = (self._largest + torch.stack(sums).log()).logsumexp(dim=0)
        return logits_at - self._total

    def gradient(self, targets: Tensor) -> Tensor:
        """(tokens, width) gradient of `log_at`, which was called before, with respect to x.

        Summed in float32, whatever the products run in.
        """
        # d logp / d logits = 1 at the target − softmax
        grad_x = self._head.weights_at(targets)
        scales = (self._largest - self._total).exp()
        for group, powers, scale in zip(self._head.groups, self._powers, scales, strict=True):
            grad_x -= group.backward(powers.mul_(scale[:, None]).to(self._x.dtype))
        return grad_x
