"""The last layer's MLP, only for positions that predict something.

Two thirds of a layer's products are in it, and two thirds of a pair's tokens are a prompt's. After the last
attention no one reads their states. The plain twin is the model as it is: every position goes through.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from grice_core.kernels.choice import uses_plain
from grice_core.kernels.tree_attention import UnsharableError


def layers_of(model: Any) -> Sequence[nn.Module]:
    """The model's layers in order; empty if they aren't in a list of their own."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    count = getattr(inner.config, "num_hidden_layers", 0)
    for layers in inner.base_model.children():
        if isinstance(layers, nn.ModuleList) and len(layers) == count > 0:
            return list(layers)
    return []


def last_mlp(model: Any) -> nn.Module | None:
    """What `only_positions` restricts: the last layer's MLP, if it has its usual name and no experts.

    None otherwise, and with plain kernels, where all positions go through it.
    """
    if uses_plain():
        return None
    layers = layers_of(model)
    mlp = getattr(layers[-1], "mlp", None) if layers else None
    return mlp if isinstance(mlp, nn.Module) and not _has_experts(mlp) else None


@contextmanager
def only_positions(model: Any, positions: Sequence[int]) -> Iterator[None]:
    """A pass over one row, of which only the states at these ascending positions will be read.

    Raises: UnsharableError, in the pass, if the MLP returns anything but states.
    """
    mlp = last_mlp(model)
    if mlp is None:
        yield
        return
    whole = mlp.forward

    def forward(states: Tensor) -> Tensor:
        """(1, tokens, width) to (1, tokens, width); 0 at all other positions."""
        index = torch.tensor(positions, device=states.device)
        out = whole(states.index_select(1, index))
        if not isinstance(out, Tensor):
            raise UnsharableError("its MLP returns more than states")
        return out.new_zeros(states.shape).index_copy(1, index, out)

    mlp.forward = forward
    try:
        yield
    finally:
        del mlp.forward


def _has_experts(mlp: nn.Module) -> bool:
    return any("expert" in name for name, _ in mlp.named_modules())
