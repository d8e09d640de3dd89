"""Weights stored in bf16 or 4 bits compute what fp32 weights of the same values do, forward and backward."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from grice_core.dpo.adapters import adapter_of, save_adapter
from grice_core.dpo.base import BaseModel
from grice_core.dpo.logps import plain_logps
from grice_core.dpo.policy import add_adapter, merge_saved
from grice_core.dpo.prefix_trees import shared_trees
from grice_core.kernels.choice import plain_kernels
from grice_core.kernels.linear import FrozenLinear, Update
from grice_core.kernels.precision import WeightFormat
from grice_core.kernels.prepacking import prepacked
from grice_core.kernels.stored import (
    is_stored,
    restore_weights,
    store_weights,
    stored_modules,
    weights_format,
)
from grice_core.recipes.config import LoraSettings
from tests.dpo import tiny
from tests.kernels.extras import takes_bitsandbytes

BF16 = torch.bfloat16


def rounded(model: nn.Module, form: WeightFormat) -> nn.Module:
    """An fp32 model with the values that `store_weights` stores."""
    store_weights(model, form)
    restore_weights(model)
    return model


@pytest.fixture(params=[tiny.gpt2, tiny.llama])
def make(request: pytest.FixtureRequest) -> Callable[[], nn.Module]:
    return request.param


@pytest.fixture(params=["bf16", pytest.param("nf4", marks=takes_bitsandbytes)])
def twins(make, request: pytest.FixtureRequest) -> list[BaseModel]:
    """A model with its weights stored, and an fp32 one of the same values."""
    stored = make()
    store_weights(stored, request.param)
    return [tiny.base(model) for model in (stored, rounded(make(), request.param))]


def test_linear_layers_and_embeddings_take_half_the_memory_and_nothing_else_is_rounded() -> None:
    model, plain = tiny.gpt2(), tiny.gpt2()
    store_weights(model, "bf16")
    kept = {name for name, each in model.named_parameters() if each.dtype == torch.float32}
    assert kept == {n for n, _ in plain.named_parameters() if "ln_" in n or n.endswith("bias")}
    assert weights_format(model) == "bf16"
    assert model.lm_head.weight is model.transformer.wte.weight


def test_a_product_in_bf16_is_that_of_the_fp32_weight_bit_by_bit() -> None:
    stored, plain = tiny.llama(), tiny.llama()
    store_weights(stored.model.layers, "bf16")
    ids = torch.randint(0, 33, (2, 9))
    with torch.no_grad(), torch.autocast("cpu", BF16):
        assert torch.equal(stored(ids).logits, plain(ids).logits)


@pytest.mark.usefixtures("kernels")
def test_a_product_in_fp32_takes_the_stored_values_as_they_are(twins) -> None:
    trees = shared_trees(tiny.encoded_pairs(2))
    found = []
    for base in twins:
        policy = add_adapter(base, LoraSettings(), seed=1)
        values = plain_logps(policy.eval(), trees)
        adapter = {n: p for n, p in policy.named_parameters() if ".lora_B." in n}
        found.append([values, *torch.autograd.grad(values.sum(), list(adapter.values()))])
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)


def test_an_adapter_starts_as_on_an_fp32_base_and_is_fp32(twins) -> None:
    drawn = [
        {n: p for n, p in add_adapter(base, LoraSettings(), 3).named_parameters() if "lora" in n}
        for base in twins
    ]
    for name, parameter in drawn[0].items():
        assert parameter.dtype == torch.float32
        assert torch.equal(parameter, drawn[1][name])


def test_merged_adapters_are_not_rounded(make, twins, tmp_path: Path) -> None:
    policy = add_adapter(tiny.base(make()), LoraSettings(), 1)
    with torch.no_grad():
        for name, parameter in policy.named_parameters():
            if ".lora_B." in name:
                parameter.normal_(std=0.02)
    save_adapter(adapter_of(policy), tmp_path)
    ids = torch.randint(0, 33, (2, 9))
    with torch.no_grad():
        before = twins[0].model(ids).logits
        for _ in range(2):
            ours, expected = (merge_saved(base, tmp_path).model(ids).logits for base in twins)
            torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(ours, before, atol=1e-2)
    stored = twins[0].model
    assert any(Update.of(module) for module in stored_modules(stored))
    restore_weights(stored)
    assert not stored_modules(stored)
    torch.testing.assert_close(stored(ids).logits, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["linear", "conv1d"])
@pytest.mark.parametrize("prepack", [False, True])
def test_an_update_is_part_of_the_product_and_of_its_gradient(
    kind: str, prepack: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grice_core.kernels.linear.SMALLEST", 1)
    torch.manual_seed(0)
    layer = nn.Linear(32, 48) if kind == "linear" else Conv1D(48, 32)
    update = Update(torch.randn(32, 4) / 4, torch.randn(4, 48) / 4)
    update.add_to(layer)
    frozen = FrozenLinear(layer, prepack=prepack)
    x, grad_out = torch.randn(7, 32), torch.randn(7, 48)
    weight = frozen.weight_as(torch.float32) + update.a @ update.b
    torch.testing.assert_close(frozen(x), x @ weight + layer.bias, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        frozen.backward(grad_out), grad_out @ weight.t(), rtol=1e-5, atol=1e-5
    )


def test_a_weight_that_another_kind_of_module_holds_stays_as_it_is() -> None:
    class Own(nn.Linear):
        pass

    model = nn.Sequential(nn.Embedding(16, 8), Own(8, 16, bias=False), nn.Linear(16, 4))
    model[1].weight = model[0].weight
    store_weights(model, "bf16")
    assert [is_stored(module) for module in model] == [False, False, True]


def test_prepacked_it_computes_the_same() -> None:
    model = nn.Sequential(nn.Linear(32, 48))
    store_weights(model, "bf16")
    x = torch.randn(3, 32)
    with torch.no_grad(), torch.autocast("cpu", BF16):
        with plain_kernels():
            expected = model(x)
        with prepacked(model):
            torch.testing.assert_close(model(x), expected, rtol=2e-2, atol=2e-2)
