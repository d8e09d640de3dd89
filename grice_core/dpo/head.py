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

CHUNK = 2**23
"""Logits that are in memory at once, about; a position's are never split."""


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
        dtype = product_dtype(hidden)
        weight, _ = frozen.weights(dtype)
        wants = ctx.needs_input_grad[0]
        slopes = torch.empty_like(hidden) if wants else None
        values = []
        size = max(1, CHUNK // weight.shape[1])
        for start in range(0, len(hidden), size):
            part = slice(start, start + size)
            logits = frozen(hidden[part].to(dtype)).float()
            at = targets[part, None]
            of_target = logits.gather(1, at)[:, 0]
            total = logits.logsumexp(dim=1)
            values.append(of_target - total)
            if slopes is not None:
                # d logp / d logits = 1 at the target − softmax
                softmax = logits.sub_(total[:, None]).exp_().neg_()
                softmax.scatter_add_(1, at, torch.ones_like(total)[:, None])
                slopes[part] = softmax.to(dtype) @ weight.t()
        ctx.save_for_backward(slopes)
        return torch.cat(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (slopes,) = ctx.saved_tensors
        return slopes * gradients[0][:, None], None, None
