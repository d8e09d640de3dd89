"""Where and in which number format models compute: the one place that decides."""

import importlib.util
from typing import Literal

import torch
from torch import Tensor

from grice_core.errors import InputError

Precision = Literal["auto", "fp32", "bf16"]
"""`auto`: bf16 where the hardware multiplies it fast, fp32 otherwise."""
WeightFormat = Literal["fp32", "bf16", "nf4"]
"""How a base's weights are held; what `bf16` and `nf4` leave in fp32 says `stored.py`."""

_WHY_NOT = {
    "mps": "Apple GPUs have no float64, which metrics, sampling and scores are computed in",
}


def resolve_device(choice: str) -> torch.device:
    """The device to compute on; `auto` takes the first CUDA GPU there is, otherwise the CPU.

    Raises:
        InputError: there is no such device on this machine, or it is neither a CPU nor a CUDA GPU.
    """
    if choice == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(choice)
        _check_kind(choice, device.type)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # the latter: "Torch not compiled with CUDA"
        raise InputError(
            f"device {choice!r} can't be used on this machine; give 'auto', 'cpu' or a GPU that "
            "torch sees, such as 'cuda:0'"
        ) from error
    return device


def _check_kind(choice: str, kind: str) -> None:
    """Raises: InputError, if models were never computed on this kind of device."""
    if kind not in ("cpu", "cuda"):
        why = _WHY_NOT.get(kind, "models run on CPUs and CUDA GPUs only")
        raise InputError(f"device {choice!r} is not supported: {why}; give 'auto' or 'cpu'")


def resolve_precision(choice: Precision, device: torch.device) -> torch.dtype:
    """The number format of matrix products on this device: `torch.float32` or `torch.bfloat16`."""
    if choice == "auto":
        return torch.bfloat16 if multiplies_bf16_fast(device) else torch.float32
    return torch.bfloat16 if choice == "bf16" else torch.float32


def resolve_base_dtype(
    choice: WeightFormat | Literal["auto"], products: torch.dtype, *, sharded: bool = False
) -> WeightFormat:
    """How a base's weights are held; `auto`: in bf16 where its products run in bf16.

    Args:
        choice: What was asked for.
        products: Number format of matrix products.
        sharded: Whether FSDP shards the weights, for which they have to be of one format.

    Raises: InputError, if they are to be sharded in bf16 or nf4, or nf4's library is not installed.
    """
    if choice == "auto":
        return "fp32" if sharded else name_of_dtype(products)
    if choice != "fp32" and sharded:
        raise InputError(
            f"base_dtype {choice}: parallel.fsdp shards weights of one number format only: give fp32, or leave "
            "parallel.fsdp out of the recipe"
        )
    check_format(choice)
    return choice


def check_format(choice: WeightFormat | Literal["auto"]) -> None:
    """Raises: InputError, if the library that this way of holding weights takes is not installed."""
    if choice == "nf4" and importlib.util.find_spec("bitsandbytes") is None:
        raise InputError(
            "base_dtype nf4 takes bitsandbytes, which is not installed: pip install 'grice-studio[nf4]', or "
            "give bf16 or fp32"
        )


def name_of_dtype(dtype: torch.dtype) -> Literal["fp32", "bf16"]:
    """As options name it."""
    return "bf16" if dtype == torch.bfloat16 else "fp32"


def multiplies_bf16_fast(device: torch.device) -> bool:
    """Whether bf16 products run in hardware here: a GPU since Ampere, a CPU with AMX or AVX512-BF16."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name, False) for name in ("amx_bf16", "avx512_bf16"))
    return False


def product_dtype(x: Tensor) -> torch.dtype:
    """The number format in which a matrix product with x runs here: autocast's, else x's own."""
    device = x.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
