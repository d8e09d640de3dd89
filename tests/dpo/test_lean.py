import copy

import pytest
import torch
from torch import nn

from grice_core.dpo.lean import BulkDropout, fuse_activations
from grice_core.dpo.policy import add_adapter, train_adapter_only
from tests.dpo import tiny


def test_a_fused_activation_changes_no_logit_beyond_rounding():
    plain = tiny.gpt2()
    fused = copy.deepcopy(plain)
    fuse_activations(fused)
    assert isinstance(fused.transformer.h[0].mlp.act, nn.GELU)
    ids = torch.arange(1, 21)[None]
    torch.testing.assert_close(fused(ids).logits, plain(ids).logits, atol=1e-5, rtol=0)


def test_dropout_drops_its_share_and_keeps_the_mean():
    dropout, x = BulkDropout(0.25), torch.ones(1000, 999)
    torch.manual_seed(0)
    out = dropout(x)
    assert out.unique().tolist() == pytest.approx([0.0, 4 / 3])
    # 999,000 draws: four standard deviations of a share are below 0.002.
    assert float((out == 0).double().mean()) == pytest.approx(0.25, abs=0.002)


def test_dropout_drops_the_gradient_of_what_it_dropped():
    x = torch.full((50, 7), 2.0, requires_grad=True)
    out = BulkDropout(0.5)(x)
    out.sum().backward()
    torch.testing.assert_close(x.grad, out.detach() / 2)


def test_dropout_depends_on_torchs_seed_and_draws_anew_each_time():
    dropout, x = BulkDropout(0.5), torch.ones(300)
    torch.manual_seed(1)
    first, second = dropout(x), dropout(x)
    torch.manual_seed(1)
    assert torch.equal(dropout(x), first)
    assert not torch.equal(first, second)


def test_dropout_does_nothing_in_evaluation_or_with_nothing_to_drop():
    x = torch.ones(300)
    assert BulkDropout(0.5).eval()(x) is x
    assert BulkDropout(0.0)(x) is x


def test_a_policy_on_a_cpu_draws_in_bulk_while_it_trains():
    config = tiny.stage(lora={"r": 4, "alpha": 8, "dropout": 0.5})
    policy = add_adapter(tiny.base(tiny.gpt2()), config.lora, seed=0)
    train_adapter_only(policy)
    dropouts = [m for n, m in policy.named_modules() if n.endswith("lora_dropout.default")]
    assert dropouts
    assert all(isinstance(module, BulkDropout) and module.training for module in dropouts)
