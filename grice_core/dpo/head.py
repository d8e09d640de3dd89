"""Log-probabilities of given tokens, without the logits of all positions in memory at once.

Logits are most of a small model's memory: 50,257 numbers for each predicted token, as often again for
their softmax and its gradient. Here the last layer runs on some positions at a time, and takes its own
way back while their logits are still at hand (as in Liger's fused linear cross-entropy, arXiv 2410.10989).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from grice_core.dpo.frozen import FrozenLinear, is_frozen_linear
from grice_core.dpo.lean import product_dtype

CHUNK = 2**24
"""Logits that are in memory at once, about; a position's are never split."""
COLUMNS = 2048
"""Of the vocabulary, in one product on a CPU."""


def token_logps(model: Any, targets: Sequence[int], **inputs: Any) -> Tensor:
    """(tokens,) float32 log-probability of each target; `inputs` keep one position for each.

    A model that does more to its logits than a linear layer does (caps or scales them), or whose
    last layer is trained, computes them all.
    """
    head = model.get_output_embeddings()
    if is_frozen_linear(head):
        with _passing_on(head) as passed:
            hidden = model(**inputs).logits
        if passed and hidden is passed[0]:
            rows = hidden.reshape(-1, hidden.shape[-1])
            wanted = torch.tensor(targets, device=rows.device)
            frozen = getattr(model, "frozen_head", None) or FrozenLinear(head)
            logps: Tensor = _TokenLogps.apply(rows, frozen, wanted)  # type: ignore[no-untyped-call]
            return logps
    logits = model(**inputs).logits
    rows = logits.reshape(-1, logits.shape[-1]).float()
    wanted = torch.tensor(targets, device=rows.device)
    return -nn.functional.cross_entropy(rows, wanted, reduction="none")


@contextmanager
def _passing_on(head: nn.Linear) -> Iterator[list[Tensor]]:
    """The layer does nothing meanwhile; the list gets what it was given."""
    passed: list[Tensor] = []

    def forward(hidden: Tensor) -> Tensor:
        passed.append(hidden)
        return hidden

    head.forward = forward  # type: ignore[method-assign, assignment]
    try:
        yield passed
    finally:
        del head.forward


class _TokenLogps(torch.autograd.Function):
    """log softmax of the layer's logits at the targets, for hidden (tokens, width)."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, frozen: FrozenLinear, targets: Tensor) -> Tensor:
        weight, bias = frozen.weights(product_dtype(hidden))
        slopes = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        values = []
        size = max(1, CHUNK // weight.shape[1])
        for start in range(0, len(hidden), size):
            part = slice(start, start + size)
            softmax = _Softmax(hidden[part].to(weight.dtype), weight, bias, keep=slopes is not None)
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
    """Of x · weight + bias, for x (tokens, width) and weight (width, vocabulary), some columns at a time.

    Columns in groups stay in the processor's cache between the product and its exponential, and
    in rows of a round number of bytes, which products on a CPU ask for: GPT-2's 50,257 columns at once
    take half as long again.
    """

    def __init__(self, x: Tensor, weight: Tensor, bias: Tensor | None, *, keep: bool) -> None:
        self._x, self._weight, self._bias = x, weight, bias
        self._keeps = keep
        """Whether `slopes` will be asked for."""
        self._columns = _groups_of_columns(x, weight.shape[1])
        self._powers: list[Tensor] = []
        """exp(logit − the group's largest), by group."""

    def log_at(self, targets: Tensor) -> Tensor:
        """(tokens,) float32 logarithm of the softmax at each target."""
        logits_at = torch.zeros(len(targets), device=targets.device)
        largest, sums = [], []
        for columns in self._columns:
            logits = self._logits(columns)
            inside = (targets >= columns.start) & (targets < columns.stop)
            places = (targets - columns.start).clamp(0, logits.shape[1] - 1)
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
        """(tokens, width) gradient of `log_at`, which was called before, with respect to x."""
        # d logp / d logits = 1 at the target − softmax
        slopes = self._weight.t()[targets]
        scales = (self._largest - self._total).exp()
        for columns, powers, scale in zip(self._columns, self._powers, scales, strict=True):
            softmax = powers.mul_(scale[:, None]).to(slopes.dtype)
            slopes.addmm_(softmax, self._weight[:, columns].t(), alpha=-1)
        return slopes

    def _logits(self, columns: slice) -> Tensor:
        weight = self._weight[:, columns]
        if self._bias is None:
            return (self._x @ weight).float()
        return torch.addmm(self._bias[columns], self._x, weight).float()


def _groups_of_columns(x: Tensor, count: int) -> list[slice]:
    """All columns, in groups where products run in fp32 on a CPU: sums of groups would lose digits in
    bf16."""
    size = COLUMNS if x.device.type == "cpu" and x.dtype == torch.float32 else count
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
