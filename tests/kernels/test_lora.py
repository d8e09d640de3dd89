import copy

import pytest
import torch

from grice_core.dpo.policy import add_adapter, reference, train_adapter_only
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


def plain(fused):
    """The same policy with PEFT's own layers."""
    made = copy.deepcopy(fused)
    for module in made.modules():
        if isinstance(module.__dict__.get("forward"), FusedLora):
            del module.forward
    return made


def gradients(made):
    logits = made(IDS).logits
    logits.logsumexp(dim=-1).sum().backward()
    return [p.grad for p in made.parameters() if p.requires_grad]


@pytest.mark.parametrize("model", [tiny.gpt2, tiny.llama])
def test_a_fused_layer_gives_what_pefts_gives_and_the_same_gradient(model):
    fused = policy(model())
    slow = plain(fused)
    assert sum(isinstance(m.__dict__.get("forward"), FusedLora) for m in fused.modules()) >= 8
    torch.testing.assert_close(fused(IDS).logits, slow(IDS).logits, atol=1e-5, rtol=1e-5)
    for ours, theirs in zip(gradients(fused), gradients(slow), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)


def test_dropout_drops_the_same_elements_in_fused_layers_and_in_pefts():
    fused = policy(tiny.gpt2(), dropout=0.5)
    results = []
    for made in (fused, plain(fused)):
        torch.manual_seed(3)
        results.append(gradients(made))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)


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
    assert not torch.allclose(fused(IDS).logits, before)
    torch.testing.assert_close(fused(IDS).logits, plain(fused)(IDS).logits, atol=1e-5, rtol=1e-5)
