"""Weights in 4 bits: those of bitsandbytes, by the formula of the paper."""

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers.pytorch_utils import Conv1D

from grice_core.dpo.reference import weights_hash
from grice_core.kernels.choice import plain_kernels
from grice_core.kernels.linear import FrozenLinear, PlainLinear, Update
from grice_core.kernels.nf4 import BLOCK, CODES, PackedWeight, num_weights, pack, unpack
from grice_core.kernels.stored import share_in_4_bits, store_weights, weights_format
from tests.dpo import tiny
from tests.kernels.extras import takes_bitsandbytes

pytestmark = takes_bitsandbytes


def layer(kind: str, num_in: int, num_out: int) -> nn.Module:
    torch.manual_seed(0)
    made = nn.Linear(num_in, num_out) if kind == "linear" else Conv1D(num_out, num_in)
    return made.requires_grad_(False)


SHAPES = [(128, 48), (32, 48), (48, 96), (320, 8)]
"""Rows that are made of blocks, rows that are shorter, and others."""


@pytest.mark.parametrize("kind", ["linear", "conv1d"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_weight_is_the_nearest_code_times_the_largest_of_its_block(kind, shape, monkeypatch):
    monkeypatch.setattr("grice_core.kernels.nf4.PART", 16 * BLOCK)  # several, the last one smaller
    made = layer(kind, *shape)
    # (out, in), as the blocks lie
    weight = made.weight.t().clone() if kind == "conv1d" else made.weight.clone()
    pack(made)
    blocks = weight.reshape(-1, BLOCK)
    largest = blocks.abs().amax(dim=1, keepdim=True)
    codes = torch.tensor(CODES)
    nearest = codes[(blocks[..., None] / largest[..., None] - codes).abs().argmin(dim=-1)]
    packed = PackedWeight.of(made)
    assert torch.equal(packed.unpacked(torch.float32), (nearest * largest).view(weight.shape))
    assert made.weight.nbytes == weight.numel() / 2
    assert num_weights(made.weight) == weight.numel()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", SHAPES)
def test_bitsandbytes_unpacks_what_the_plain_formula_does_bit_by_bit(dtype, shape):
    made = layer("linear", *shape)
    pack(made)
    with plain_kernels():
        expected = PackedWeight.of(made).unpacked(dtype)
    assert torch.equal(PackedWeight.of(made).unpacked(dtype), expected)


@pytest.mark.parametrize("kind", ["linear", "conv1d"])
@pytest.mark.parametrize("prepack", [False, True])
def test_a_product_is_that_of_the_unpacked_weight_and_its_update(kind, prepack, monkeypatch):
    monkeypatch.setattr("grice_core.kernels.linear.SMALLEST", 1)
    made = layer(kind, 32, 48)
    pack(made)
    update = Update(torch.randn(32, 4) / 4, torch.randn(4, 48) / 4)
    update.add_to(made)
    frozen, x, grad_out = (
        FrozenLinear(made, prepack=prepack),
        torch.randn(7, 32),
        torch.randn(7, 48),
    )
    weight = PackedWeight.of(made).unpacked(torch.float32).t() + update.a @ update.b
    torch.testing.assert_close(frozen(x), x @ weight + made.bias, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        frozen.backward(grad_out), grad_out @ weight.t(), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("kind", ["linear", "conv1d"])
def test_unpacked_for_good_it_is_a_layer_as_before(kind):
    made = layer(kind, 32, 48)
    pack(made)
    expected = PlainLinear(made).weight_as(torch.float32)
    unpack(made)
    assert PackedWeight.of(made) is None
    assert torch.equal(PlainLinear(made).weight_as(torch.float32), expected)
    assert "weight_absmax" not in made.state_dict()


@pytest.mark.parametrize("make", [tiny.gpt2, tiny.llama])
def test_linear_layers_are_packed_embeddings_and_the_last_layer_are_in_bf16(make):
    model = make()
    store_weights(model, "nf4")
    by_dtype = {}
    for name, parameter in model.named_parameters():
        by_dtype.setdefault(parameter.dtype, set()).add(name)
    vocabulary = {
        n
        for n, _ in model.named_parameters()
        if any(p in n for p in ("wte", "wpe", "embed", "lm_head"))
    }
    assert by_dtype[torch.bfloat16] == vocabulary
    assert by_dtype[torch.float32] == {
        name
        for name in by_dtype[torch.float32]
        if "norm" in name or "ln_" in name or "bias" in name
    }
    assert weights_format(model) == "nf4"
    assert share_in_4_bits(model) > 0.8


def test_the_hash_of_the_weights_covers_codes_and_scales():
    model = tiny.gpt2()
    store_weights(model, "nf4")
    layer, before = model.transformer.h[0].mlp.c_fc, weights_hash(model)
    layer.weight[0] ^= 1
    changed = weights_hash(model)
    layer.weight_absmax[0] += 1
    assert len({before, changed, weights_hash(model)}) == 3


@pytest.mark.parametrize("make", [tiny.gpt2, tiny.llama])
def test_the_weights_are_those_that_transformers_makes_of_the_same_file(make, tmp_path):
    model = make()
    model.save_pretrained(tmp_path)
    how = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, quantization_config=how)
    store_weights(model, "nf4")
    compared = 0
    for name, ours in model.named_modules():
        packed = PackedWeight.of(ours)
        if packed is not None:
            weight = theirs.get_submodule(name).weight
            assert torch.equal(weight.data.flatten(), packed.codes.flatten())
            assert torch.equal(weight.quant_state.absmax, packed.absmax)
            compared += 1
    assert compared == len([n for n in theirs.modules() if type(n).__name__ == "Linear4bit"]) > 7
