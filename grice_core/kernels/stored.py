"""Frozen weights that are stored once, in bf16 or 4 bits, in a model that otherwise is fp32.

A product in bf16 rounds its weight to bf16 anyway, so a weight that is stored so gives the same product with
half the memory. Whatever is added or scaled (biases, norms, positions that are computed, the states between
layers) stays in fp32. A product in another format takes the stored weight as it is, one layer's at a time.

In 4 bits (`nf4.py`) the base is another model, the one that is trained and compared with. Embeddings and the last
layer stay in bf16, as in QLoRA: each row of an embedding is one token's, and the last layer's errors go straight
into the log-probabilities.

Merged into such a weight, an adapter would be rounded away, so it stays beside it (`add_update`) and is part
of what the layer multiplies by.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from grice_core.kernels.linear import LINEAR, PlainLinear, Update
from grice_core.kernels.nf4 import PackedWeight, can_pack, num_weights, pack, shape_of, unpack
from grice_core.kernels.precision import WeightFormat, product_dtype
from grice_core.kernels.prepacking import has_room_to_prepack


class _Product(torch.autograd.Function):
    """x W + b, of which only the layer is kept for backward: not what its weight is in x's dtype."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, frozen: PlainLinear) -> Tensor:
        ctx.frozen = frozen
        return frozen(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.frozen.backward(gradients[0]), None


def _product(layer: nn.Module, x: Tensor) -> Tensor:
    rows = x.reshape(-1, x.shape[-1]).to(product_dtype(x))
    out: Tensor = _Product.apply(rows, PlainLinear(layer))  # type: ignore[no-untyped-call]
    return out.view(*x.shape[:-1], out.shape[-1])


class StoredLinear(nn.Linear):
    """`nn.Linear`, whose weight may be stored in another dtype than it is multiplied in."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's signature)
        """(…, in) to (…, out), in autocast's dtype where that is on, else in the input's."""
        return _product(self, input)


class StoredConv1D(Conv1D):  # type: ignore[misc]
    """The same of GPT-2's layer."""

    def forward(self, x: Tensor) -> Tensor:
        """(…, in) to (…, out), in autocast's dtype where that is on, else in x's."""
        return _product(self, x)


class StoredEmbedding(nn.Embedding):
    """`nn.Embedding`, whose rows may be stored in another dtype than fp32, which they are given in."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's signature)
        """(…,) token ids to (…, width) float32."""
        return super().forward(input).float()


_STORED: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: StoredLinear,
    Conv1D: StoredConv1D,
    nn.Embedding: StoredEmbedding,
}
LINEAR.update((StoredLinear, StoredConv1D))


def store_weights(model: nn.Module, form: WeightFormat) -> None:
    """Keep the weights of plain linear layers and embeddings in this format from now on, one after another.

    They need no gradient then. A weight that another kind of module holds, too, stays as it is. What can't be
    `nf4` is bf16 then: embeddings, the last layer, weights that modules share or that are no whole blocks.

    Raises: InputError, if the format's library is not installed.
    """
    if form == "fp32":
        return
    head = getattr(model, "get_output_embeddings", lambda: None)()
    holders: dict[int, list[nn.Module]] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            holders.setdefault(id(parameter), []).append(module)
    for module in model.modules():
        stored = _STORED.get(type(module))
        if stored is None:
            continue
        weight = cast(nn.Parameter, module.weight)
        sharing = holders[id(weight)]
        if not all(type(each) in (*_STORED, *_STORED.values()) for each in sharing):
            continue
        module.__class__ = stored
        weight.requires_grad_(False)
        if form == "nf4" and module is not head and len(sharing) == 1 and _can_pack(module):
            pack(module)
        else:
            weight.data = weight.data.to(torch.bfloat16)


def _can_pack(module: nn.Module) -> bool:
    return type(module) in LINEAR and can_pack(module)


def is_stored(module: nn.Module) -> bool:
    """Whether `store_weights` has taken its weight."""
    return type(module) in _STORED.values()


def stored_modules(model: nn.Module) -> list[nn.Module]:
    """Those whose weight `store_weights` has taken."""
    return [module for module in model.modules() if is_stored(module)]


def weights_format(model: nn.Module) -> WeightFormat:
    """How a model's linear layers and embeddings are held; fp32, unless `store_weights` took some."""
    stored = stored_modules(model)
    if any(map(PackedWeight.of, stored)):
        return "nf4"
    return "bf16" if stored else "fp32"


def share_in_4_bits(model: nn.Module) -> float:
    """Of a model's weights that are no embedding and not the last layer."""
    packed = total = 0
    vocabulary = [model.get_input_embeddings(), model.get_output_embeddings()]  # type: ignore[operator]
    apart = {id(module.weight) for module in vocabulary if hasattr(module, "weight")}
    for parameter in model.parameters():
        if id(parameter) not in apart:
            total += num_weights(parameter)
            packed += num_weights(parameter) if parameter.dtype == torch.uint8 else 0
    return packed / max(total, 1)


def wants_prepacking(policy: nn.Module) -> bool:
    """Whether a policy on a CPU trains with its frozen weights prepacked, once for each direction.

    Stored in the dtype that they are multiplied in, they are there once: a step's many rows make up for most of
    what prepacking saves.
    """
    return not stored_modules(policy) and has_room_to_prepack([policy], copies=2)


def restore_weights(model: nn.Module) -> None:
    """Undo `store_weights`, but for the rounding: fp32 weights, updates merged into them."""
    plain = {stored: kind for kind, stored in _STORED.items()}
    for module in stored_modules(model):
        unpack(module)
        weight = cast(nn.Parameter, module.weight)
        weight.data = weight.data.float()
        update = Update.of(module)
        if update is not None:
            merged = PlainLinear(module).merged(torch.float32)
            weight.data = merged if isinstance(module, Conv1D) else merged.t().contiguous()
            update.remove(module)
        module.__class__ = plain[type(module)]


@contextmanager
def seen_as_fp32(model: nn.Module) -> Iterator[None]:
    """Let stored weights look like fp32 ones, of zeros that take no memory, while PEFT puts adapters on them.

    It makes adapters in the dtype of the weight that they are for, which would round them.
    """
    modules = stored_modules(model)
    stored = [cast(nn.Parameter, module.weight).data for module in modules]
    shapes = [_shape(module) for module in modules]
    for module, data, shape in zip(modules, stored, shapes, strict=True):
        zero = torch.zeros((), device=data.device)
        cast(nn.Parameter, module.weight).data = zero.expand(shape)
    try:
        yield
    finally:
        for module, data in zip(modules, stored, strict=True):
            cast(nn.Parameter, module.weight).data = data


def _shape(module: nn.Module) -> tuple[int, ...]:
    """Of its weight, if it were not packed."""
    if PackedWeight.of(module) is not None:
        return shape_of(module)
    return tuple(cast(nn.Parameter, module.weight).shape)
