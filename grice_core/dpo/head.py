"""Where a model's logits come from: what its last layer gives, times a number, or more than that."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from grice_core.dpo.signature import accepted, inner_model
from grice_core.kernels.linear import is_frozen_linear
from grice_core.kernels.token_logps import FrozenHead, TokenLogps


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
    logps: Tensor = TokenLogps.apply(rows, frozen, wanted)  # type: ignore[no-untyped-call]
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
