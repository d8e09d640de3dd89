"""Models whose linear layers multiply by prepacked weights (`linear.py`).

A prepacked weight is a second copy. While a model only writes, or a detector only judges, it isn't needed beside the
first: a weight that lies in the format which it is multiplied in is there in one layout at a time, and gets its own
back at the end, bit by bit, or as soon as something else than the prepacked product asks for it.
"""

import os
import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from grice_core.kernels.choice import uses_plain
from grice_core.kernels.linear import FrozenLinear, PlainLinear, Update, is_linear
from grice_core.kernels.memory import apart
from grice_core.kernels.nf4 import PackedWeight, unpacked_bytes
from grice_core.kernels.precision import product_dtype

SHARE_OF_MEMORY = 0.25
"""Of the machine's, that second copies of weights may take."""
LEAST_OF_A_VOCABULARY = 2**13
"""Outputs from which on a layer may give a part of a larger tensor, where their number isn't round."""


class SoleLinear(FrozenLinear):
    """A frozen layer whose weight is there once: as it was, or prepacked while this multiplies by it.

    Whatever reads the layer's `weight` itself, or its state, gets it, and it stays from then on. Among the parameters
    of the model it is NaN meanwhile, in its shape and dtype, so that reading that shows at once.
    """

    def __init__(self, layer: Any, *, may_copy: bool) -> None:
        """With `may_copy` a weight that stays is prepacked beside it, else it is multiplied by as it is."""
        super().__init__(layer, prepack=True)
        self._may_copy = may_copy
        self._sole: torch.dtype | None = None
        self._stays = False
        self._kind: Any = type(layer)
        self._turn = threading.RLock()

    @property
    def _weight(self) -> Tensor:
        weight: Tensor = self.layer._parameters["weight"]
        return weight

    def __call__(self, x: Tensor) -> Tensor:
        """(tokens, in) to (tokens, out), in x's dtype."""
        with self._turn:  # a judge may be asked from several threads
            prepacks = self._multiplies_prepacked(x)
            if not prepacks or self._sole not in (None, x.dtype):
                self._restore()
            if self._stays and not self._may_copy:
                return PlainLinear.__call__(self, x)
            out = super().__call__(x)
            gives_up = prepacks and self._sole is None and not self._stays
            if gives_up and self.can_be_made_of(x.dtype):
                self._give_up_plain(x.dtype)
        return out

    def arm(self) -> None:
        """From now on the weight may be given up, and comes back once it is read."""
        self.layer.__dict__[_LENDER] = self
        self.layer.__class__ = _lending(self._kind)

    def disarm(self) -> None:
        """Give the layer its weight back for good."""
        with self._turn:
            self._restore()
            self.layer.__class__ = self._kind
            self.layer.__dict__.pop(_LENDER, None)

    @contextmanager
    def restored(self) -> Iterator[None]:
        """The layer is as it was meanwhile, whatever other threads ask."""
        with self._turn:
            self.disarm()
            try:
                yield
            finally:
                self.arm()

    def lend(self) -> Tensor:
        """The layer's weight, for whatever reads it itself."""
        with self._turn:
            self._restore()
            self._stays = True
            return self._weight

    def _restore(self) -> None:
        if self._sole is None:
            return
        _, packed = self._derived["forward"]
        num_out = self.shape[1]
        with apart():
            rows = packed.to_dense()
            rows = rows if len(rows) == num_out else rows[:num_out].clone()
            self._weight.data = rows.t().contiguous() if issubclass(self._kind, Conv1D) else rows
        self._sole = None
        del self._derived["forward"]

    def can_be_made_of(self, dtype: torch.dtype) -> bool:
        """Whether the plain weight can be made of what is prepacked in this dtype: nothing was rounded or added."""
        is_plain = PackedWeight.of(self.layer) is None and Update.of(self.layer) is None
        return is_plain and self._weight.dtype == dtype

    def _give_up_plain(self, dtype: torch.dtype) -> None:
        weight, (_, packed) = self._weight, self._derived["forward"]
        weight.data = torch.full((), torch.nan, dtype=weight.dtype).expand(weight.shape)
        self._derived["forward"] = self._state(dtype), packed
        self._sole = dtype


_LENDER = "_lender"


@cache
def _lending(kind: Any) -> Any:
    """A kind of layer whose weight comes back once it is read."""

    def lend(layer: nn.Module) -> Tensor:
        weight: Tensor = layer.__dict__[_LENDER].lend()
        return weight

    def after_lending(name: str) -> Any:
        def method(layer: nn.Module, *args: Any, **kwargs: Any) -> Any:
            lend(layer)
            return getattr(kind, name)(layer, *args, **kwargs)

        return method

    by_state = "_save_to_state_dict", "_load_from_state_dict", "_apply"
    methods = {name: after_lending(name) for name in by_state}
    return type(kind.__name__, (kind,), {"weight": property(lend), **methods})


class _PrepackedForward:
    """Replaces a linear layer's `forward`."""

    def __init__(self, layer: nn.Module, frozen: FrozenLinear) -> None:
        self._layer, self._frozen = layer, frozen

    def __call__(self, x: Tensor) -> Tensor:
        """(…, in) to (…, out), in autocast's dtype where that is on."""
        if uses_plain():
            frozen = self._frozen
            with frozen.restored() if isinstance(frozen, SoleLinear) else nullcontext():
                stock: Tensor = type(self._layer).forward(self._layer, x)
            return stock
        rows = x.reshape(-1, x.shape[-1]).to(product_dtype(x))
        out = self._frozen(rows)
        if out.shape[-1] < LEAST_OF_A_VOCABULARY:  # some models view what a router says
            out = out.contiguous()
        return out.view(*x.shape[:-1], out.shape[-1])


@contextmanager
def prepacked(model: nn.Module) -> Iterator[None]:
    """Prepack the linear layers of a model whose weights don't change meanwhile and need no gradient.

    A weight that something else reads meanwhile is there (`SoleLinear`).
    """
    products = prepack(model)
    try:
        yield
    finally:
        for layer, frozen in products.items():
            del layer.forward
            if isinstance(frozen, SoleLinear):
                frozen.disarm()


def prepack(model: nn.Module) -> dict[Any, FrozenLinear]:
    """Prepack them for good, as far as there is room; returns what multiplies for which layer."""
    owned, layers = _owned(model), list[Any](filter(is_linear, model.modules()))
    may_copy = has_room_to_prepack(layers, copies=1)
    products: dict[Any, FrozenLinear] = {
        layer: SoleLinear(layer, may_copy=may_copy)
        if id(layer.weight) in owned
        else FrozenLinear(layer, prepack=True)
        for layer in layers
    }
    copied = {layer for layer, frozen in products.items() if not _will_be_sole(layer, frozen)}
    if not has_room_to_prepack(copied, copies=1):
        products = {layer: each for layer, each in products.items() if layer not in copied}
    for layer, frozen in products.items():
        layer.forward = _PrepackedForward(layer, frozen)
        if isinstance(frozen, SoleLinear):
            frozen.arm()
    return products


def _owned(model: nn.Module) -> set[int]:
    """Ids of parameters whose memory is all theirs, and that one module has."""
    everyone = [weight for _, weight in model.named_parameters(remove_duplicate=False)]
    holders = Counter(weight.untyped_storage().data_ptr() for weight in everyone)
    return {
        id(weight)
        for weight in everyone
        if holders[weight.untyped_storage().data_ptr()] == 1
        and weight.untyped_storage().nbytes() == weight.numel() * weight.itemsize
    }


def _will_be_sole(layer: Any, frozen: FrozenLinear) -> bool:
    dtype = product_dtype(layer.weight)
    return isinstance(frozen, SoleLinear) and frozen.can_be_made_of(dtype)


def has_room_to_prepack(modules: Collection[nn.Module], copies: int) -> bool:
    """Whether so many more copies of all of these modules' weights leave most of the memory to others."""
    parameters = {id(each): each for module in modules for each in module.parameters()}
    needed = copies * sum(map(unpacked_bytes, parameters.values()))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return needed <= SHARE_OF_MEMORY * memory
