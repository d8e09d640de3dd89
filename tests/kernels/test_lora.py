import copy

import pytest
import torch

from grice_core.dpo.policy import add_adapter, reference, train_adapter_only
from grice_core.kernels.choice import plain_kernels
from grice_core.kernels.lora import FusedLora
from tests.dpo import tiny

IDS = torch.arange(1, 31).view(2, 15)


def policy(model, dropout=0.0):
    lora = tiny.stage(lora={"r": 4, "alpha": 8, "dropout": dropout}).lora
    made = add_adapter(tiny.base(model), lora, seed=0)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    train_adapter_only(made)
    return made


def fused_layers(made):
    return [m for m in made.modules() if isinstance(vars(m).get("forward"), FusedLora)]


def by_formula(layer, x):
    """x W + b + s · x Aᵀ Bᵀ in fp64, and the gradients of x, A and B of its weighted sum."""
    base = layer.get_base_layer()
    weight = (
        base.weight if base.weight.shape[0] == x.shape[-1] else base.weight.t()
    )  # Conv1D has (in, out)
    x, a, b = (
        tensor.detach().double().requires_grad_()
        for tensor in (x, layer.lora_A["default"].weight, layer.lora_B["default"].weight)
    )
    out = x @ weight.double() + layer.scaling["default"] * (x @ a.t() @ b.t())
    if base.bias is not None:
        out = out + base.bias.double()
    return out, torch.autograd.grad(weighted(out), (x, a, b))


def weighted(out):
    return (out * torch.linspace(-1, 2, out.numel(), dtype=out.dtype).view_as(out)).sum()


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("model", [tiny.gpt2, tiny.llama])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_layer_computes_the_formula_and_its_gradients(model, dtype):
    layers = fused_layers(policy(model()))
    assert len(layers) >= 8
    for layer in layers:
        if layer.in_features == layer.out_features:
            continue  # whose weight could be taken for its transpose here
        torch.manual_seed(1)
        x = torch.randn(2, 7, layer.in_features, requires_grad=True)
        parameters = (x, layer.lora_A["default"].weight, layer.lora_B["default"].weight)
        with torch.autocast("cpu", torch.bfloat16, dtype == torch.bfloat16):
            out = layer(x)
        gradients = torch.autograd.grad(weighted(out), parameters)
        expected, exact_gradients = by_formula(layer, x)
        tolerance = 1e-5 if dtype == torch.float32 else 0.03
        for found, exact in zip((out, *gradients), (expected, *exact_gradients), strict=True):
            scale = exact.abs().max()
            torch.testing.assert_close(
                found.double() / scale, exact / scale, atol=tolerance, rtol=0
            )


def gradients(made):
    logits = made(IDS).logits
    logits.logsumexp(dim=-1).sum().backward()
    found = [p.grad for p in made.parameters() if p.requires_grad]
    made.zero_grad()
    return found


@pytest.mark.parametrize("model", [tiny.gpt2, tiny.llama])
def test_a_policy_of_fused_layers_gives_what_pefts_gives_and_the_same_gradient(model):
    made = policy(model())
    logits, ours = made(IDS).logits, gradients(made)
    with plain_kernels():
        torch.testing.assert_close(logits, made(IDS).logits, atol=1e-5, rtol=1e-5)
        theirs = gradients(made)
    for found, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-5)


def test_dropout_drops_the_same_elements_in_fused_layers_and_in_pefts():
    fused = policy(tiny.gpt2(), dropout=0.5)
    stock = copy.deepcopy(fused)
    for layer in fused_layers(stock):
        del layer.forward  # PEFT's own again, with the same dropout as before
    results = []
    for made in (fused, stock):
        torch.manual_seed(3)
        results.append(gradients(made))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)


@pytest.mark.usefixtures("kernels")
def test_the_reference_is_the_base_alone_in_both_number_formats():
    fused = policy(tiny.gpt2())
    bare = tiny.gpt2()
    for dtype in (torch.float32, torch.bfloat16):
        autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)
        with reference(fused), torch.no_grad(), autocast:
            torch.testing.assert_close(fused(IDS).logits, bare(IDS).logits, atol=0, rtol=0)


def test_a_layer_whose_weights_change_in_place_uses_the_new_ones():
    fused = policy(tiny.gpt2())
    before = fused(IDS).logits
    with torch.no_grad():
        fused.get_base_model().transformer.h[0].attn.c_attn.base_layer.weight.mul_(2)
    after = fused(IDS).logits
    assert not torch.allclose(after, before)
    with plain_kernels():
        torch.testing.assert_close(after, fused(IDS).logits, atol=1e-5, rtol=1e-5)
