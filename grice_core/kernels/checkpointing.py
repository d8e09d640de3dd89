"""Gradient checkpointing by layer (arXiv 1604.06174): backward computes each layer again from its input.

Between forward and backward a layer then keeps nothing but its input, for about a third more time. torch's
own `checkpoint` does it; here a layer is computed again under what surrounded the pass, which has ended by
then: its attention function, and which positions it computes.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from grice_core.kernels.last_mlp import layers_of

_RECOMPUTES = ContextVar("_RECOMPUTES", default=False)

Surroundings = Callable[[], AbstractContextManager[Any]]


@contextmanager
def gradient_checkpointing(*, enabled: bool = True) -> Iterator[None]:
    """Let passes with gradient keep their layers' inputs only meanwhile."""
    before = _RECOMPUTES.set(enabled)
    try:
        yield
    finally:
        _RECOMPUTES.reset(before)


def can_checkpoint(model: Any) -> bool:
    """Whether the model's layers are known."""
    return bool(layers_of(model))


@contextmanager
def checkpointed_layers(model: Any, surroundings: Surroundings = nullcontext) -> Iterator[None]:
    """A pass whose layers are computed again in backward, where `gradient_checkpointing` asks for it.

    `surroundings` gives what the pass runs in, besides what torch's `checkpoint` knows of (autocast, state of
    generators).
    """
    if not (_RECOMPUTES.get() and torch.is_grad_enabled()):
        yield
        return
    layers = layers_of(model)
    for layer in layers:
        layer.forward = _Checkpointed(layer.forward, surroundings)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


class _Checkpointed:
    """Replaces a layer's `forward`."""

    def __init__(self, forward: Callable[..., Any], surroundings: Surroundings) -> None:
        self._forward = forward
        self._surroundings = surroundings

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As the layer has it."""
        return checkpoint(
            self._forward,
            *args,
            use_reentrant=False,
            context_fn=lambda: (nullcontext(), self._surroundings()),
            **kwargs,
        )
