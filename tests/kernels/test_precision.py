"""Where models compute, and in which number format."""

import sys

import pytest
import torch

from grice_core.errors import InputError
from grice_core.kernels.precision import (
    multiplies_bf16_fast,
    name_of_dtype,
    resolve_base_dtype,
    resolve_device,
    resolve_precision,
)

CPU = torch.device("cpu")


def test_a_named_precision_is_taken_at_its_word() -> None:
    assert resolve_precision("fp32", CPU) is torch.float32
    assert resolve_precision("bf16", CPU) is torch.bfloat16


@pytest.mark.parametrize("feature", ["amx_bf16", "avx512_bf16"])
def test_auto_takes_bf16_on_a_cpu_that_multiplies_it(
    feature: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {feature: True})
    assert resolve_precision("auto", CPU) is torch.bfloat16


def test_auto_takes_fp32_on_a_cpu_without_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "amx_bf16": False})
    assert resolve_precision("auto", CPU) is torch.float32


def test_a_base_is_held_as_it_is_multiplied_unless_another_format_is_asked_for() -> None:
    both = torch.float32, torch.bfloat16
    assert [resolve_base_dtype("auto", products) for products in both] == ["fp32", "bf16"]
    assert [resolve_base_dtype("fp32", products) for products in both] == ["fp32", "fp32"]
    assert [resolve_base_dtype("bf16", products) for products in both] == ["bf16", "bf16"]
    assert [name_of_dtype(dtype) for dtype in both] == ["fp32", "bf16"]


def test_a_sharded_base_is_held_in_fp32() -> None:
    assert resolve_base_dtype("auto", torch.bfloat16, sharded=True) == "fp32"
    for form in ("bf16", "nf4"):
        with pytest.raises(
            InputError, match=rf"base_dtype {form}: parallel\.fsdp shards weights of"
        ):
            resolve_base_dtype(form, torch.bfloat16, sharded=True)


def test_4_bits_without_their_library_are_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(
        InputError, match=r"pip install 'grice-studio\[nf4\]', or give bf16 or fp32$"
    ):
        resolve_base_dtype("nf4", torch.float32)


def test_no_other_kind_of_device_is_trusted_with_bf16() -> None:
    assert not multiplies_bf16_fast(torch.device("meta"))


def test_the_first_gpu_is_taken_before_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == CPU


@pytest.mark.parametrize("choice", ["nonsense", "cuda:99", ""])
def test_a_device_that_is_not_there_is_named(choice: str) -> None:
    with pytest.raises(InputError, match=f"device {choice!r} can't be used"):
        resolve_device(choice)


@pytest.mark.parametrize(
    ("choice", "why"), [("mps", "Apple GPUs have no float64"), ("meta", "CPUs and CUDA GPUs only")]
)
def test_other_kinds_of_devices_are_refused_with_the_reason(choice: str, why: str) -> None:
    with pytest.raises(InputError, match=f"device {choice!r} is not supported: .*{why}.*'cpu'"):
        resolve_device(choice)
