"""Linear layers that are not trained, with their weights prepacked for the CPU.

For a plain product on a CPU, the weight is copied into a layout for the caches every time, which for few
rows costs more than the product. Here oneDNN prepacks it once, as torch's own compiler does with weights
that it may take for constant.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from grice_core.kernels.memory import apart
from grice_core.kernels.nf4 import PackedWeight, out_and_in
from grice_core.kernels.precision import multiplies_bf16_fast

SMALLEST = 2**16
"""Elements of a weight that is worth prepacking."""

ROUND = 16
"""What its sizes are multiples of: oneDNN is slow with an odd one in bf16."""

MOST_CAST = 2**24
"""Elements of a stored weight that are cast at once, 64 MiB in fp32: a last layer has several times as many."""

LINEAR: set[type[nn.Module]] = {nn.Linear, Conv1D}
"""Kinds of layers that compute x W + b; `stored.py` adds its own."""

_PREPACKS = ContextVar("_PREPACKS", default=True)


@dataclass(frozen=True)
class Update:
    """A frozen adapter that stays beside a layer's weight: W + a b."""

    a: Tensor
    """(in, rank) float32."""
    b: Tensor
    """(rank, out) float32, scaled."""

    @classmethod
    def of(cls, layer: nn.Module) -> "Update | None":
        """The layer's, if it has one."""
        a, b = (getattr(layer, f"update_{name}", None) for name in "ab")
        return None if a is None or b is None else cls(a, b)

    def add_to(self, layer: nn.Module) -> None:
        """Give it to a layer, beside what it has; it counts among the layer's weights."""
        before = Update.of(layer)
        a, b = self.a, self.b
        if before is not None:
            a, b = torch.cat([before.a, a], dim=1), torch.cat([before.b, b])
        layer.register_buffer("update_a", a)
        layer.register_buffer("update_b", b)

    def remove(self, layer: nn.Module) -> None:
        """Take it off a layer."""
        del layer.update_a, layer.update_b


class PlainLinear:
    """x W + b of a frozen layer or of some of its columns, and its backward: the plain twin."""

    def __init__(self, layer: Any, columns: slice = slice(None)) -> None:
        self.layer, self.columns = layer, columns

    @property
    def shape(self) -> tuple[int, int]:
        """(in, out) of the weight."""
        num_out, num_in = out_and_in(self.layer)
        return num_in, len(range(num_out)[self.columns])

    @property
    def _weight(self) -> Tensor:
        """The layer's parameter."""
        weight: Tensor = self.layer.weight
        return weight

    def __call__(self, x: Tensor) -> Tensor:
        """(tokens, in) to (tokens, out), in x's dtype."""
        parts = self._parts(x.dtype)
        if len(parts) > 1:
            out = x.new_empty(len(x), self.shape[1])
            for columns, part in parts:
                out[:, columns] = part(x)
            return out
        weight, bias = self.weight_as(x.dtype), self.bias_as(x.dtype)
        out = x @ weight if bias is None else torch.addmm(bias, x, weight)
        update = self.update_as(x.dtype)
        return out if update is None else out.addmm_(x @ update.a, update.b)

    def backward(self, grad_out: Tensor) -> Tensor:
        """(tokens, out) to the gradient of x, (tokens, in), in grad_out's dtype."""
        parts = self._parts(grad_out.dtype)
        if len(parts) > 1:
            grad_x = grad_out.new_zeros(len(grad_out), self.shape[0])
            for columns, part in parts:
                grad_x += part.backward(grad_out[:, columns])
            return grad_x
        grad_x = grad_out @ self.weight_as(grad_out.dtype).t()
        update = self.update_as(grad_out.dtype)
        return grad_x if update is None else grad_x.addmm_(grad_out @ update.b.t(), update.a.t())

    def _parts(self, dtype: torch.dtype) -> "list[tuple[slice, PlainLinear]]":
        """Columns of the product, and the product of each: more than one where what is cast for it would be large."""
        whole: list[tuple[slice, PlainLinear]] = [(slice(None), self)]
        is_cast = self._weight.dtype.itemsize < dtype.itemsize
        if not is_cast or PackedWeight.of(self.layer) is not None:
            return whole
        num_in, num_out = self.shape
        if num_in * num_out <= MOST_CAST:
            return whole
        of_layer = range(out_and_in(self.layer)[0])[self.columns]
        step = max(1, MOST_CAST // num_in)
        found = []
        for start in range(0, num_out, step):
            mine = slice(start, min(start + step, num_out))
            theirs = of_layer[mine]
            part = PlainLinear(self.layer, slice(theirs.start, theirs.stop, theirs.step))
            found.append((mine, part))
        return found

    def weight_as(self, dtype: torch.dtype) -> Tensor:
        """(in, out), without the update; this one layer's is made if it is stored otherwise."""
        packed = PackedWeight.of(self.layer)
        if packed is not None:
            return packed.unpacked(dtype).t()[:, self.columns]
        weight: Tensor = self._weight.detach()
        return (weight if isinstance(self.layer, Conv1D) else weight.t())[:, self.columns].to(dtype)

    def update_as(self, dtype: torch.dtype) -> Update | None:
        """The layer's update, of these columns."""
        update = Update.of(self.layer)
        return update and Update(update.a.to(dtype), update.b[:, self.columns].to(dtype))

    def merged(self, dtype: torch.dtype) -> Tensor:
        """(in, out) weight, the update in it; rounded once."""
        update = self.update_as(torch.float32)
        if update is None:
            return PlainLinear.weight_as(self, dtype)
        weight = PlainLinear.weight_as(self, torch.float32)
        return torch.addmm(weight, update.a, update.b).to(dtype)

    def bias_as(self, dtype: torch.dtype) -> Tensor | None:
        """(out,)."""
        bias = self.layer.bias
        return None if bias is None else bias.detach()[self.columns].to(dtype)


class FrozenLinear(PlainLinear):
    """The same, which casts its weight once, and with `prepack` prepacks it once for each direction."""

    def __init__(self, layer: Any, columns: slice = slice(None), *, prepack: bool = False) -> None:
        super().__init__(layer, columns)
        self._prepack = prepack and math.prod(self.shape) >= SMALLEST
        self._derived: dict[str, tuple[object, Tensor]] = {}

    def __call__(self, x: Tensor) -> Tensor:
        """(tokens, in) to (tokens, out), in x's dtype."""
        if not self._multiplies_prepacked(x):
            return super().__call__(x)
        num_out = self.shape[1]
        weight = self._of_weight(
            "forward", x.dtype, lambda: _prepacked(_round(self.merged(x.dtype).t()))
        )
        bias = self.bias_as(x.dtype)
        bias = None if bias is None else _round(bias)
        out: Tensor = _onednn()._linear_pointwise(x.contiguous(), weight, bias, "none", [], "")
        return out if num_out % ROUND == 0 else out[:, :num_out]

    def backward(self, grad_out: Tensor) -> Tensor:
        """(tokens, out) to the gradient of x, (tokens, in), in grad_out's dtype."""
        if not self._is_prepacked_for(grad_out) or any(size % ROUND for size in self.shape):
            return super().backward(grad_out)
        dtype = grad_out.dtype
        weight = self._of_weight("backward", dtype, lambda: _prepacked(self.merged(dtype)))
        rows = grad_out.contiguous()
        grad_x: Tensor = _onednn()._linear_pointwise(rows, weight, None, "none", [], "")
        return grad_x

    def weight_as(self, dtype: torch.dtype) -> Tensor:
        """(in, out)."""
        if self._weight.dtype.itemsize <= dtype.itemsize:
            # Kept, it would take more than the weight itself.
            return super().weight_as(dtype)
        return self._of_weight("plain", dtype, lambda: PlainLinear.weight_as(self, dtype))

    def _multiplies_prepacked(self, x: Tensor) -> bool:
        return self._is_prepacked_for(x) and self.shape[0] % ROUND == 0

    def _is_prepacked_for(self, x: Tensor) -> bool:
        # Unpacking a weight of 4 bits each time takes longer than the product of few rows.
        takes_more = self._weight.dtype.itemsize < x.dtype.itemsize
        if takes_more and PackedWeight.of(self.layer) is None:
            return False
        return self._prepack and _PREPACKS.get() and can_prepack(x.device, x.dtype)

    def _of_weight(self, name: str, dtype: torch.dtype, make: Callable[[], Tensor]) -> Tensor:
        """What was made of the weight; made again for another dtype, or when the weight has changed."""
        state = self._state(dtype)
        old_state, made = self._derived.get(name, (None, None))
        if made is None or old_state != state:
            self._derived.pop(name, None)
            made = None  # makes room for the next
            with apart():
                made = make()
            self._derived[name] = state, made
        return made

    def _state(self, dtype: torch.dtype) -> object:
        weight, update = self._weight, Update.of(self.layer)
        return dtype, weight.data_ptr(), weight._version, update and update.a.data_ptr()


def is_linear(layer: Any) -> bool:
    """Whether it computes x W + b and nothing else: a subclass may do something else in its forward pass."""
    return type(layer) in LINEAR


def is_frozen_linear(layer: Any) -> bool:
    """Whether it is a plain linear layer that needs no gradient of its own here."""
    trains = torch.is_grad_enabled() and layer.weight.requires_grad
    return is_linear(layer) and isinstance(layer, nn.Linear) and not trains


def can_prepack(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether oneDNN multiplies this dtype fast here."""
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and multiplies_bf16_fast(device))


@contextmanager
def without_prepacking() -> Iterator[None]:
    """Use weights as they are meanwhile: for a few passes in another dtype than the many that follow, whose
    prepacked weights would only take memory."""
    before = _PREPACKS.set(False)
    try:
        yield
    finally:
        _PREPACKS.reset(before)


def _prepacked(weight: Tensor) -> Tensor:
    """A weight (out, in) in oneDNN's layout."""
    packed: Tensor = _onednn()._reorder_linear_weight(weight, None)
    return packed


def _round(weight: Tensor) -> Tensor:
    """A weight or bias (out, …) with zeros up to a round number of outputs."""
    missing = -len(weight) % ROUND
    return torch.cat([weight, weight.new_zeros(missing, *weight.shape[1:])]) if missing else weight


def _onednn() -> Any:
    return torch.ops.mkldnn
