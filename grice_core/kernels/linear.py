"""Linear layers that are not trained, as fast as a processor takes them.

For a plain product on a CPU, the weight is copied into a layout for the processor's caches every time,
which for few rows costs more than the product. Here it is laid out once, by oneDNN, as torch's own
compiler does with weights that it may take for constant.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from grice_core.kernels.memory import for_long
from grice_core.kernels.precision import multiplies_bf16_fast, product_dtype

SMALLEST = 2**16
"""Elements of a weight that is worth laying out."""

ROUND = 16
"""What its sizes are multiples of: oneDNN is slow with an odd one in bf16."""

SHARE_OF_MEMORY = 0.25
"""Of the machine's, that laid out weights may take."""

_LAYS_OUT = ContextVar("_LAYS_OUT", default=True)
_IS_STOCK = ContextVar("_IS_STOCK", default=False)


class FrozenLinear:
    """x W + b of a layer that is not trained, or of some of its columns, and the way back."""

    def __init__(self, layer: Any, columns: slice = slice(None), *, lays_out: bool = False) -> None:
        self._layer, self.columns = layer, columns
        self.shape = tuple(self.weight.shape)
        """(in, out)."""
        self._lays_out = lays_out and self.weight.numel() >= SMALLEST
        self._made: dict[str, tuple[object, Tensor]] = {}

    @property
    def weight(self) -> Tensor:
        """(in, out), as the layer has it at the moment."""
        weight: Tensor = self._layer.weight.detach()
        return (weight if isinstance(self._layer, Conv1D) else weight.t())[:, self.columns]

    def __call__(self, x: Tensor) -> Tensor:
        """(tokens, in) to (tokens, out), in x's number format."""
        bias = self._bias(x.dtype)
        num_in, num_out = self.shape
        if self._is_laid_out_for(x) and num_in % ROUND == 0:
            weight = self._made_of_weight(
                "there", x.dtype, lambda weight: _laid_out(_round(weight.t()))
            )
            bias = None if bias is None else _round(bias)
            out: Tensor = _onednn()._linear_pointwise(x.contiguous(), weight, bias, "none", [], "")
            return out if num_out % ROUND == 0 else out[:, :num_out]
        weight = self._plain(x.dtype)
        return x @ weight if bias is None else torch.addmm(bias, x, weight)

    def back(self, gradient: Tensor) -> Tensor:
        """(tokens, in) gradient Wᵀ, for a (tokens, out) gradient, in its number format."""
        if self._is_laid_out_back_for(gradient):
            weight = self._made_of_weight("back", gradient.dtype, _laid_out)
            rows = gradient.contiguous()
            back: Tensor = _onednn()._linear_pointwise(rows, weight, None, "none", [], "")
            return back
        return gradient @ self._plain(gradient.dtype).t()

    def _is_laid_out_for(self, x: Tensor) -> bool:
        return self._lays_out and _LAYS_OUT.get() and processor_lays_out(x.device, x.dtype)

    def _is_laid_out_back_for(self, gradient: Tensor) -> bool:
        return self._is_laid_out_for(gradient) and all(n % ROUND == 0 for n in self.shape)

    def _plain(self, dtype: torch.dtype) -> Tensor:
        weight = self.weight
        if weight.dtype == dtype:
            return weight
        return self._made_of_weight("plain", dtype, lambda weight: weight)

    def _made_of_weight(
        self, name: str, dtype: torch.dtype, make: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """What was made of the weight; made anew for another number format, or when it has changed."""
        weight = self._layer.weight
        state = dtype, weight.data_ptr(), weight._version
        known, made = self._made.pop(name, (None, None))
        if made is None or known != state:
            made = None  # makes room for the next
            with for_long():
                made = make(self.weight.to(dtype))
        self._made[name] = state, made
        return made

    def _bias(self, dtype: torch.dtype) -> Tensor | None:
        bias = self._layer.bias
        return None if bias is None else bias.detach()[self.columns].to(dtype)


def is_frozen_linear(layer: Any) -> bool:
    """Whether it is a plain linear layer that needs no gradient of its own here."""
    return type(layer) is nn.Linear and not (torch.is_grad_enabled() and layer.weight.requires_grad)


def processor_lays_out(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether oneDNN multiplies this number format fast here."""
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and multiplies_bf16_fast(device))


def has_room_for_layouts(model: nn.Module, copies: int) -> bool:
    """Whether so many more copies of the model's weights leave most of the memory to others."""
    needed = sum(parameter.nbytes for parameter in model.parameters()) * copies
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return needed <= SHARE_OF_MEMORY * memory


@contextmanager
def as_they_lie() -> Iterator[None]:
    """Nothing is laid out: for a few passes in another number format than the many that follow, whose
    layouts would only take memory."""
    before = _LAYS_OUT.set(False)
    try:
        yield
    finally:
        _LAYS_OUT.reset(before)


@contextmanager
def stock_layers() -> Iterator[None]:
    """Linear layers do what the libraries wrote, whatever stands in their place: what ours is compared to."""
    before = _IS_STOCK.set(True)
    try:
        yield
    finally:
        _IS_STOCK.reset(before)


def is_stock() -> bool:
    """Whether `stock_layers` asks for the libraries' own operations."""
    return _IS_STOCK.get()


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """The model, whose weights nobody changes meanwhile, without gradient but faster on a CPU."""
    layers = freeze(model)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def freeze(model: nn.Module) -> list[nn.Module]:
    """Like `frozen`, for good; the layers whose `forward` was replaced."""
    if not has_room_for_layouts(model, copies=1):
        return []
    layers = [module for module in model.modules() if type(module) in (nn.Linear, Conv1D)]
    for layer in layers:
        layer.forward = _Forward(layer)
    return layers


class _Forward:
    """In the place of a linear layer's `forward`."""

    def __init__(self, layer: nn.Module) -> None:
        self._layer = layer
        self._frozen = FrozenLinear(layer, lays_out=True)

    def __call__(self, x: Tensor) -> Tensor:
        """(…, in) to (…, out), in autocast's number format where that is on."""
        if is_stock():
            stock: Tensor = type(self._layer).forward(self._layer, x)
            return stock
        rows = x.reshape(-1, x.shape[-1]).to(product_dtype(x))
        out = self._frozen(rows)
        return out.view(*x.shape[:-1], out.shape[-1])


def _laid_out(weight: Tensor) -> Tensor:
    """A weight (out, in) as oneDNN wants it."""
    laid_out: Tensor = _onednn()._reorder_linear_weight(weight, None)
    return laid_out


def _round(weight: Tensor) -> Tensor:
    """A weight or bias (out, …) with zeros up to a round number of outputs."""
    missing = -len(weight) % ROUND
    return torch.cat([weight, weight.new_zeros(missing, *weight.shape[1:])]) if missing else weight


def _onednn() -> Any:
    return torch.ops.mkldnn
