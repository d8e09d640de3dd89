"""The plain training loop that the demo's two models share."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

import torch
from torch import Tensor, nn

from grice_core.kernels.precision import resolve_precision
from grice_core.progress import Progress, silent

Batch = TypeVar("Batch")

NEIGHBOURS = 8
"""Batches within which examples are sorted by length."""


@dataclass(frozen=True)
class FitSettings:
    """How a model is fitted: AdamW, linear warm-up, cosine decay to nothing."""

    num_steps: int
    learning_rate: float
    batch_size: int = 32
    warmup_steps: int = 20
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    max_grad_norm: float = 1.0

    @property
    def num_examples(self) -> int:
        """How many examples all steps take together."""
        return self.num_steps * self.batch_size

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        warm = min(1.0, (step + 1) / self.warmup_steps)
        return self.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / self.num_steps))


def fit(
    model: nn.Module,
    batches: Iterable[Batch],
    loss_of: Callable[[Batch], Tensor],
    settings: FitSettings,
    *,
    task: str,
    progress: Progress = silent,
) -> list[float]:
    """Take one step per batch; returns the losses. Multiplies in bf16 where the CPU does so fast."""
    dtype = resolve_precision("auto", torch.device("cpu"))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=0.0, betas=settings.betas, weight_decay=settings.weight_decay
    )
    model.train()
    losses = []
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = settings.rate_at(step)
        with torch.autocast("cpu", dtype, enabled=dtype is torch.bfloat16):
            loss = loss_of(batch)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(model.parameters(), settings.max_grad_norm)
        optimizer.step()
        losses.append(loss.item())
        progress(task, step + 1, settings.num_steps)
    model.eval()
    return losses


def batches_of_like_length(lengths: Sequence[int], settings: FitSettings) -> Iterator[list[int]]:
    """The indices of one batch per step: sorted by length among neighbours, to waste no padding.

    lengths: of `num_examples` items, in random order.
    """
    order: list[list[int]] = []
    size = settings.batch_size
    for start in range(0, settings.num_examples, NEIGHBOURS * size):
        stretch = range(start, min(start + NEIGHBOURS * size, settings.num_examples))
        by_length = sorted(stretch, key=lambda index: lengths[index])
        batches = [by_length[i : i + size] for i in range(0, len(by_length), size)]
        Random(start).shuffle(batches)
        order += batches
    return iter(order)
