"""Token log-probabilities of a model, from its last layer's input where its logits allow that."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from grice_core.dpo.signature import accepted, inner_model
from grice_core.kernels.choice import uses_plain
from grice_core.kernels.linear import is_frozen_linear
from grice_core.kernels.stored import wants_prepacking
from grice_core.kernels.token_logps import FrozenHead, TokenLogps, plain_token_logps


def token_logps(
    model: Any,
    targets: Sequence[int],
    at: Tensor,
    head: FrozenHead | None = None,
    **inputs: Any,
) -> Tensor:
    """(tokens,) float32 log-probability of each target.

    Args:
        model: Causal language model, plain or with adapters.
        targets: Token ids, one for each position.
        at: Where they are predicted: (tokens,) positions in a single row, or a (rows, length) mask.
        head: The model's `prepacked_head`, where many passes share one.
        inputs: Of the model's forward pass.

    A model whose logits are no multiple of what its last layer gives (they are capped, or have a bias
    of their own), or whose last layer is trained, computes them whole; so does any with plain kernels.
    """
    kept = accepted(model, logits_to_keep=at)
    layer = model.get_output_embeddings()
    if not can_chunk_logits(model):
        logits = model(**inputs, **kept).logits
        rows = logits.flatten(0, -2) if kept else _at(logits, at)
        return plain_token_logps(rows, torch.tensor(targets, device=rows.device))
    with replaced_forward(layer, lambda hidden: hidden):
        # What the model multiplies its logits by, it multiplies these states by.
        states = model(**inputs, **kept).logits
    rows = states.flatten(0, -2) if kept else _at(states, at)
    wanted = torch.tensor(targets, device=rows.device)
    head = head or FrozenHead(layer)
    if head.layer is not layer:
        raise ValueError("the prepacked head is another model's")
    logps: Tensor = TokenLogps.apply(rows, head, wanted)  # type: ignore[no-untyped-call]
    return logps


def prepacked_head(policy: Any) -> FrozenHead | None:
    """A policy's last layer for many passes on a CPU; None where it is trained, or on another device."""
    layer = policy.get_output_embeddings()
    if not is_frozen_linear(layer) or layer.weight.device.type != "cpu":
        return None
    return FrozenHead(layer, prepack=wants_prepacking(policy))


def can_chunk_logits(model: Any) -> bool:
    """Whether log-probabilities can be computed for some positions at a time from the last layer's input.

    They can if logits are the last layer's result times a number (1 mostly, Granite's `1 / logits_scaling`,
    Cohere's `logit_scale`), and that layer is not trained. The model itself is asked, once: its last layer
    gives known numbers, and the logits are looked at. With plain kernels no model is asked.
    """
    inner = inner_model(model)
    if uses_plain() or not is_frozen_linear(model.get_output_embeddings()):
        return False
    if inner not in _ONLY_MULTIPLY:
        _ONLY_MULTIPLY[inner] = _multiplies(model)  # as a whole: its parts may be on other ranks
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
    """Let the layer do this instead meanwhile."""
    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward
