"""Weights of linear layers in 4 bits: NF4, the format of QLoRA (arXiv 2305.14314).

A block of 64 weights is its largest absolute value, in float32, and for each weight one of 16 codes. Codes and
blocks are those of `transformers` with `BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")`.

bitsandbytes quantises and dequantises, on a CPU and on a GPU. The product is ours, by the dequantised weight:
its own products with such weights round in other ways, by kernel and number of rows.
"""

import importlib
import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from grice_core.kernels.choice import uses_plain
from grice_core.kernels.precision import check_format

BLOCK = 64
"""Weights that share a scale."""
PART = 2**17
"""Weights that a CPU quantises at once, for which bitsandbytes takes several times their memory."""
ABSMAX = "weight_absmax"
"""Name of the buffer with the scales, beside the codes in `weight`."""

# fmt: off
CODES = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
    -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
    0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
)
# fmt: on
"""What the codes 0 to 15 mean: quantiles of a normal distribution, scaled to [-1, 1]."""


@dataclass(frozen=True)
class PackedWeight:
    """A layer's weight in 4 bits."""

    codes: Tensor
    """(weights / 2, 1) uint8, two codes each, the first in the upper half."""
    absmax: Tensor
    """(weights / BLOCK,) float32."""
    shape: tuple[int, int]
    """(out, in), in whose order the blocks lie, whatever kind of layer it is."""

    @classmethod
    def of(cls, layer: Any) -> "PackedWeight | None":
        """The layer's, if it has one."""
        absmax = getattr(layer, ABSMAX, None)
        return None if absmax is None else cls(layer.weight.detach(), absmax, out_and_in(layer))

    def unpacked(self, dtype: torch.dtype) -> Tensor:
        """(out, in) weight: code times scale in float32, rounded once."""
        unpack = plain_unpacked if uses_plain() else _unpacked
        return unpack(self.codes, self.absmax, dtype).view(self.shape)


def can_pack(layer: Any) -> bool:
    """Whether a linear layer's weight is made of whole blocks."""
    return math.prod(out_and_in(layer)) % BLOCK == 0


def pack(layer: Any) -> None:
    """Keep a linear layer's weight in 4 bits from now on; on the meta device, make room for one.

    Raises: InputError, if bitsandbytes is not installed.
    """
    codes, absmax = quantised(layer, layer.weight.detach())
    layer.weight = nn.Parameter(codes, requires_grad=False)
    layer.register_buffer(ABSMAX, absmax)


def unpack(layer: Any) -> None:
    """Undo `pack`, but for the rounding."""
    packed = PackedWeight.of(layer)
    if packed is not None:
        weight = packed.unpacked(torch.float32)
        weight = weight.t().contiguous() if isinstance(layer, Conv1D) else weight
        layer.weight = nn.Parameter(weight, requires_grad=False)
        delattr(layer, ABSMAX)


def quantised(layer: Any, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Codes and scales of a weight for a layer of this kind, as `PackedWeight` has them.

    Raises: InputError, if bitsandbytes is not installed.
    """
    codes = weight.new_empty((weight.numel() // 2, 1), dtype=torch.uint8)
    absmax = weight.new_empty(weight.numel() // BLOCK, dtype=torch.float32)
    if not weight.is_meta:
        rows = weight.t() if isinstance(layer, Conv1D) else weight
        flat = rows.flatten()
        size = PART if weight.device.type == "cpu" else len(flat)
        for start in range(0, len(flat), size):
            part = flat[start : start + size]
            found, state = _library().quantize_4bit(part, blocksize=BLOCK, quant_type="nf4")
            codes[start // 2 : (start + size) // 2] = found
            absmax[start // BLOCK : (start + size) // BLOCK] = state.absmax
    return codes, absmax


def plain_unpacked(codes: Tensor, absmax: Tensor, dtype: torch.dtype) -> Tensor:
    """The plain twin of what bitsandbytes does: (blocks, BLOCK)."""
    byte = torch.arange(256, device=codes.device)
    values = torch.tensor(CODES, device=codes.device)
    both = torch.stack([values[byte >> 4], values[byte & 15]], dim=1)
    return (both[codes.flatten().int()].view(-1, BLOCK) * absmax[:, None]).to(dtype)


def _unpacked(codes: Tensor, absmax: Tensor, dtype: torch.dtype) -> Tensor:
    # A row is a block: in 0.50 rows shorter than a block get other rows' scales on a CPU.
    library, shape = _library(), torch.Size((len(absmax), BLOCK))
    state = library.QuantState(absmax, shape, blocksize=BLOCK, quant_type="nf4", dtype=dtype)
    unpacked: Tensor = library.dequantize_4bit(codes, state)
    return unpacked


def num_weights(parameter: Tensor) -> int:
    """Of a layer's parameter, packed or not."""
    return parameter.numel() * (2 if parameter.dtype == torch.uint8 else 1)


def unpacked_bytes(parameter: Tensor) -> int:
    """That it takes as it is, if it is not packed, else in float32."""
    return num_weights(parameter) * (parameter.itemsize if parameter.is_floating_point() else 4)


def out_and_in(layer: Any) -> tuple[int, int]:
    """Of a linear layer, whatever its weight is at the moment."""
    if isinstance(layer, Conv1D):
        return layer.nf, layer.nx
    return layer.out_features, layer.in_features


def shape_of(layer: Any) -> tuple[int, int]:
    """Of a linear layer's weight, if it is not packed."""
    num_out, num_in = out_and_in(layer)
    return (num_in, num_out) if isinstance(layer, Conv1D) else (num_out, num_in)


@cache
def _library() -> Any:
    check_format("nf4")
    return importlib.import_module("bitsandbytes.functional")
