import copy

import pytest
import torch
from torch import nn

from grice_core.dpo.policy import add_adapter, train_adapter_only
from grice_core.kernels.dropout import NUM_GAPS, BulkDropout, unchanged
from grice_core.kernels.gelu import FusedGELU, fuse_activations
from tests.dpo import tiny


def test_a_fused_activation_changes_no_logit_beyond_rounding():
    plain = tiny.gpt2()
    fused = copy.deepcopy(plain)
    fuse_activations(fused)
    assert isinstance(fused.transformer.h[0].mlp.act, FusedGELU)
    ids = torch.arange(1, 21)[None]
    torch.testing.assert_close(fused(ids).logits, plain(ids).logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_fused_activation_and_its_gradient_are_those_of_the_formula(dtype):
    x = torch.tensor([-1e4, -20, -3, -0.7, -1e-9, 0, 1e-9, 0.7, 3, 20, 1e4], dtype=dtype)
    x.requires_grad_()
    exact = x.detach().double().requires_grad_()
    FusedGELU()(x).sum().backward()
    nn.functional.gelu(exact, approximate="tanh").sum().backward()
    close = {"rtol": 4 * torch.finfo(dtype).eps, "atol": 1e-6}
    torch.testing.assert_close(FusedGELU()(x).double(), FusedGELU()(exact), **close)
    torch.testing.assert_close(x.grad.double(), exact.grad, **close)


def test_the_fused_activation_is_the_same_in_pieces_and_without_gradient():
    torch.manual_seed(0)
    # More than two pieces, and not in the order of memory.
    x = torch.randn(3, 200_001).bfloat16().t()
    with_gradient = FusedGELU()(x.detach().requires_grad_())
    assert torch.equal(FusedGELU()(x), with_gradient)
    torch.testing.assert_close(with_gradient, nn.functional.gelu(x, approximate="tanh"))


@pytest.mark.parametrize("p", [0.001, 0.05, 0.9])
def test_distances_between_dropped_elements_are_geometric(p):
    torch.manual_seed(0)
    places = BulkDropout(p).places(10_000_000)
    gaps, counts = places.diff().unique(return_counts=True)
    expected = p * (1 - p) ** (gaps.double() - 1) * (len(places) - 1)
    # Five standard deviations of a count, and what choosing among NUM_GAPS rounds off.
    allowed = 5 * expected.sqrt() + 5 + len(places) / NUM_GAPS
    assert float(((counts - expected).abs() / allowed).max()) < 1
    assert len(places) == pytest.approx(p * 10_000_000, rel=5 / (p * 10_000_000) ** 0.5)


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


def test_what_is_changed_in_place_may_keep_some_of_its_elements():
    x, places = torch.arange(12.0).view(3, 4), torch.tensor([0, 5, 11], dtype=torch.int32)
    with unchanged(x, at=places):
        x.add_(100)
    assert x.flatten()[places].tolist() == [0.0, 5.0, 11.0]
    assert int((x >= 100).sum()) == 9
    with unchanged(x, at=None):
        x.zero_()
    assert not x.any()


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
    policy.train()
    train_adapter_only(policy)
    assert [module for module in policy.modules() if module.training] == dropouts
