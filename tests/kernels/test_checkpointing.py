"""Gradient checkpointing changes no gradient, and keeps less."""

import pytest
import torch

from grice_core.dpo.activations import activation_bytes
from grice_core.dpo.examples import Compute
from grice_core.dpo.logps import pair_logps
from grice_core.dpo.policy import add_adapter, train_adapter_only
from grice_core.kernels.checkpointing import can_checkpoint, gradient_checkpointing
from grice_core.recipes.config import LoraSettings
from tests.dpo import tiny

CPU = torch.device("cpu")


def policy_of(make, dropout=0.0):
    return add_adapter(tiny.base(make()), LoraSettings(r=4, dropout=dropout), seed=1)


def gradients(policy, pairs, passes):
    torch.manual_seed(3)
    train_adapter_only(policy)
    found = pair_logps(policy, pairs, passes)
    policy.zero_grad()
    (found.chosen - found.rejected).sum().backward()
    return {name: p.grad for name, p in policy.named_parameters() if p.grad is not None}


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("passes", ["shared", "separate", "single"])
@pytest.mark.parametrize("make", [tiny.gpt2, tiny.llama])
def test_gradients_are_those_without_it_dropout_included(make, passes):
    policy, pairs = policy_of(make, dropout=0.2), tiny.encoded_pairs(3)
    expected = gradients(policy, pairs, passes)
    with gradient_checkpointing():
        found = gradients(policy, pairs, passes)
    assert found.keys() == expected.keys()
    assert any(bool(each.any()) for each in expected.values())
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [tiny.gpt2, tiny.llama])
def test_a_pass_keeps_little_more_than_its_layers_inputs(make):
    policy, pairs, compute = policy_of(make), tiny.encoded_pairs(3), Compute(CPU)
    whole = activation_bytes(policy, pairs, compute)
    with gradient_checkpointing():
        assert 0 < activation_bytes(policy, pairs, compute) < whole / 3


def test_layers_are_left_as_they_were():
    policy, pairs = policy_of(tiny.gpt2), tiny.encoded_pairs(2)
    with gradient_checkpointing():
        gradients(policy, pairs, "shared")
    assert all("forward" not in vars(layer) for layer in policy.base_model.model.transformer.h)


def test_layers_that_are_not_in_a_list_of_their_own_can_not_be_checkpointed():
    policy = policy_of(tiny.gpt2)
    assert can_checkpoint(policy)
    policy.get_base_model().transformer.h = torch.nn.ModuleDict()
    assert not can_checkpoint(policy)
