"""The last layer's feed-forward part, for the tokens that predict something and no others.

Two thirds of a layer's products are in it, and two thirds of a pair's tokens are a prompt's. Behind the last
attention nobody looks at these, so their states may stay what they are there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from grice_core.kernels.tree_attention import UnsharableError


def layers_of(model: Any) -> Sequence[nn.Module]:
    """The model's layers in their order; none, if they don't stand in a list of their own."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    count = getattr(inner.config, "num_hidden_layers", 0)
    for layers in inner.base_model.children():
        if isinstance(layers, nn.ModuleList) and len(layers) == count > 0:
            return list(layers)
    return []


def last_feed_forward(model: Any) -> nn.Module | None:
    """Of the model's last layer, where that is told by its usual name and chooses among no experts."""
    layers = layers_of(model)
    part = getattr(layers[-1], "mlp", None) if layers else None
    return part if isinstance(part, nn.Module) and not _has_experts(part) else None


@contextmanager
def ending_at(model: Any, places: Sequence[int]) -> Iterator[None]:
    """A pass over one row of which only the states at these ascending places will be read.

    Raises: UnsharableError, in the pass, if the part gives anything but states.
    """
    part = last_feed_forward(model)
    if part is None:
        yield
        return
    inner = part.forward

    def forward(states: Tensor) -> Tensor:
        """(1, tokens, width) to (1, tokens, width); 0 for tokens that nobody looks at."""
        wanted = torch.tensor(places, device=states.device)
        made = inner(states.index_select(1, wanted))
        if not isinstance(made, Tensor):
            raise UnsharableError("its feed-forward part gives more than states")
        return made.new_zeros(states.shape).index_copy(1, wanted, made)

    part.forward = forward
    try:
        yield
    finally:
        del part.forward


def _has_experts(part: nn.Module) -> bool:
    return any("expert" in name for name, _ in part.named_modules())
