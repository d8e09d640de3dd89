"""Linear layers that are not trained."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D


class FrozenLinear:
    """The weights of a layer that is not trained, in each number format that they were asked for."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._known: dict[torch.dtype, tuple[Tensor, Tensor | None]] = {}

    def weights(self, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        """Weight (in, out) and bias (out,) or None."""
        if dtype not in self._known:
            weight, bias = self._layer.weight.detach(), self._layer.bias
            if not isinstance(self._layer, Conv1D):
                weight = weight.t()
            bias = None if bias is None else bias.detach().to(dtype)
            if weight.dtype == dtype:  # may be moved or changed in place
                return weight, bias
            self._known[dtype] = weight.to(dtype), bias
        return self._known[dtype]

    def __call__(self, x: Tensor) -> Tensor:
        """(tokens, in) to (tokens, out), in x's number format."""
        weight, bias = self.weights(x.dtype)
        return x @ weight if bias is None else torch.addmm(bias, x, weight)


def is_frozen_linear(layer: Any) -> bool:
    """Whether it is a plain linear layer that needs no gradient of its own here."""
    return type(layer) is nn.Linear and not (torch.is_grad_enabled() and layer.weight.requires_grad)
