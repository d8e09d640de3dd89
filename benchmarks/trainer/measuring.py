"""What a contender costs: seconds, tokens, FLOPs, memory; and what the machine could do."""

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.trainer.work import Work
from grice_core.kernels.precision import resolve_device, resolve_precision


@dataclass(frozen=True)
class Cost:
    """What training a stage took."""

    seconds: float
    """All of it, from a model and pairs in memory to a trained adapter."""
    cpu_s: float
    """What the process had of the processors: on a busy machine a fairer measure than time."""
    before: "Before"
    """Of these, what was done before the first step."""
    tokens: Mapping["Pass", int]
    """That went through the model, padding included."""
    peak_bytes: int
    """Of the process; of the GPU where there is one."""
    flops_per_token: Mapping["Pass", float] = field(default_factory=dict)
    """Counted by torch while some of the pairs are trained on."""

    @property
    def num_tokens(self) -> int:
        return sum(self.tokens.values())

    @property
    def flops(self) -> float:
        return sum(self.flops_per_token[kind] * count for kind, count in self.tokens.items())


@dataclass(frozen=True)
class Before:
    """Seconds before the first optimizer step."""

    all_s: float = 0.0
    """Set-up and reference pass."""
    reference_s: float = 0.0
    """Of these, for the reference pass; TRL's includes its set-up."""


Pass = Literal["there and back", "there"]
"""Whether a gradient is taken, whose FLOPs are about as many again."""


class WorkCounter:
    """Counts the tokens that models are given, padding included; FLOPs too, if `flops` counts them."""

    def __init__(self, flops: FlopCounterMode | None = None) -> None:
        self.tokens: Counter[Pass] = Counter()
        self._flops: Counter[Pass] = Counter()
        self._counter, self._seen = flops, 0
        self._kind: Pass = "there"

    def watch(self, model: Any) -> None:
        """Count what this model is given from now on."""
        model.get_input_embeddings().register_forward_pre_hook(self._count)

    def flops_per_token(self) -> dict[Pass, float]:
        """Of the passes so far."""
        self._settle()
        return {kind: self._flops[kind] / count for kind, count in self.tokens.items()}

    def _count(self, _module: Any, args: tuple[torch.Tensor]) -> None:
        self._settle()
        self._kind = "there and back" if torch.is_grad_enabled() else "there"
        self.tokens[self._kind] += args[0].numel()

    def _settle(self) -> None:
        """What was computed since the last pass began belongs to it."""
        if self._counter is not None:
            total = self._counter.get_total_flops()
            self._flops[self._kind] += total - self._seen
            self._seen = total


def counted_flops() -> FlopCounterMode:
    """A context that counts the FLOPs of everything in it."""
    with_layouts = torch.ops.mkldnn._linear_pointwise
    return FlopCounterMode(display=False, custom_mapping={with_layouts: _linear_flops})


def _linear_flops(x: Sequence[int], *_: Any, out_shape: Sequence[int], **__: Any) -> int:
    """Of a product with a weight that was laid out for the processor, whose own shape says nothing."""
    return 2 * math.prod(x) * out_shape[-1]


@dataclass(frozen=True)
class Products:
    """What large matrix products reach on this machine, FLOP/s."""

    peak: float
    """The fastest of them."""
    average: float
    """All of them, one after another: a machine that others use too keeps up less than its peak."""


def products_of(work: Work) -> Products:
    """What the machine could do for this work."""
    device = resolve_device(work.device)
    return square_products(device, resolve_precision(work.precision, device))


def square_products(device: torch.device, dtype: torch.dtype, seconds: float = 5.0) -> Products:
    """Products of two large square matrices for some seconds."""
    side = 4096 if device.type == "cuda" else 1024
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    torch.mm(a, b)  # the first also loads the library
    synchronize(device)
    times: list[float] = []
    while sum(times) < seconds:
        started = time.perf_counter()
        torch.mm(a, b)
        synchronize(device)
        times.append(time.perf_counter() - started)
    flops = 2 * side**3
    return Products(peak=flops / min(times), average=flops * len(times) / sum(times))


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
