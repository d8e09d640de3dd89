"""Log-probabilities of given tokens, without the logits of all positions in memory at once.

Logits are most of a small model's memory: 50,257 numbers for each predicted token, as often again for
their softmax and its gradient. Here the last layer runs on some positions at a time, and takes its own
way back while their logits are still at hand (as in Liger's fused linear cross-entropy, arXiv 2410.10989).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from grice_core.dpo.signature import accepted, inner_model
from grice_core.frozen import FrozenLinear, is_frozen_linear
from grice_core.precision import product_dtype

CHUNK = 2**24
"""Logits that are in memory at once, about; a position's are never split."""
COLUMNS = 2048
"""Of the vocabulary, in one product on a CPU."""


def token_logps(model: Any, targets: Sequence[int], at: Tensor, **inputs: Any) -> Tensor:
    """(tokens,) float32 log-probability of each target.

    Args:
        model: Causal language model, plain or with adapters.
        targets: Token ids, one for each place.
        at: Where they are predicted: (tokens,) places in a single row, or a (rows, length) mask.
        inputs: Of the model's forward pass.

    A model whose logits are no multiple of what its last layer gives (they are capped, or have a bias
    of their own), or whose last layer is trained, computes them whole.
    """
    kept = accepted(model, logits_to_keep=at)
    head = model.get_output_embeddings()
    if not only_multiplies_logits(model):
        logits = model(**inputs, **kept).logits
        rows = (logits.flatten(0, -2) if kept else _at(logits, at)).float()
        wanted = torch.tensor(targets, device=rows.device)
        return -nn.functional.cross_entropy(rows, wanted, reduction="none")
    with replaced_forward(head, lambda hidden: hidden):
        # What the model multiplies its logits by, it multiplies these states by.
        states = model(**inputs, **kept).logits
    rows = states.flatten(0, -2) if kept else _at(states, at)
    wanted = torch.tensor(targets, device=rows.device)
    frozen = getattr(model, "frozen_head", None) or FrozenHead(head)
    logps: Tensor = _TokenLogps.apply(rows, frozen, wanted)  # type: ignore[no-untyped-call]
    return logps


def only_multiplies_logits(model: Any) -> bool:
    """Whether a model's logits are its last layer's result times a number (1 mostly, Granite's
    `1 / logits_scaling`, Cohere's `logit_scale`), and that layer is not trained.

    Asked of the model itself, once: its last layer gives known numbers, and the logits are looked at.
    """
    inner = inner_model(model)
    if not is_frozen_linear(model.get_output_embeddings()):
        return False
    if inner not in _ONLY_MULTIPLY:
        _ONLY_MULTIPLY[inner] = _multiplies(model)  # as a whole: its parts may lie on other ranks
    return _ONLY_MULTIPLY[inner]


_ONLY_MULTIPLY: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()
_PROBED = 200.0
"""Largest number of the probe; a cap that doesn't show in it does not change logits either."""


def _multiplies(model: Any) -> bool:
    head = model.get_output_embeddings()
    device = head.weight.device
    given: list[Tensor] = []

    def forward(hidden: Tensor) -> Tensor:
        values = torch.linspace(-_PROBED, _PROBED, head.out_features, device=device)
        given.append(values.expand(*hidden.shape[:-1], -1))
        return given[-1]

    ids = torch.zeros((1, 2), dtype=torch.long, device=device)
    with (
        torch.no_grad(),
        torch.random.fork_rng(),  # a training step's dropout must not notice
        torch.autocast(device.type, enabled=False),
        replaced_forward(head, forward),
    ):
        logits = model(input_ids=ids, **accepted(model, use_cache=False)).logits
    if len(given) != 1 or logits.shape != given[0].shape:
        return False
    factor = float(logits.flatten()[-1] / _PROBED)
    if factor != 1.0 and head.bias is not None:
        return False
    return torch.allclose(logits, given[0] * factor, rtol=1e-6, atol=0)


def _at(rows: Tensor, at: Tensor) -> Tensor:
    """(tokens, …) of (B, L, …), where the model can't be asked for some places only."""
    return rows[at] if at.dtype == torch.bool else rows[0, at]


@contextmanager
def replaced_forward(layer: nn.Module, forward: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """The layer does this instead meanwhile."""
    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward


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


class _TokenLogps(torch.autograd.Function):
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
