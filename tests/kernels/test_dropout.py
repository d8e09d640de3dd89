import pytest
import torch

from grice_core.dpo.policy import add_adapter, train_adapter_only
from grice_core.kernels.dropout import NUM_GAPS, BulkDropout, unchanged_at
from tests.dpo import tiny


@pytest.mark.usefixtures("kernels")
class TestBothImplementations:
    @pytest.mark.parametrize("p", [0.05, 0.25, 0.9])
    def test_it_drops_its_share_and_keeps_the_mean(self, p):
        dropout, x = BulkDropout(p), torch.ones(1000, 999)
        torch.manual_seed(0)
        out = dropout(x)
        assert out.unique().tolist() == pytest.approx([0.0, 1 / (1 - p)])
        # 999,000 elements: four standard deviations of a share are below 0.002.
        assert float((out == 0).double().mean()) == pytest.approx(p, abs=0.002)

    def test_neighbours_are_dropped_independently(self):
        torch.manual_seed(0)
        dropped = BulkDropout(0.25)(torch.ones(1_000_000)) == 0
        both = float((dropped[1:] & dropped[:-1]).double().mean())
        assert both == pytest.approx(0.25**2, abs=0.002)

    def test_it_drops_the_gradient_of_what_it_dropped(self):
        x = torch.full((50, 7), 2.0, requires_grad=True)
        out = BulkDropout(0.5)(x)
        out.sum().backward()
        torch.testing.assert_close(x.grad, out.detach() / 2)
        assert 0 < int((out == 0).sum()) < x.numel()

    def test_it_depends_on_torchs_seed_and_samples_anew_each_time(self):
        dropout, x = BulkDropout(0.5), torch.ones(300)
        torch.manual_seed(1)
        first, second = dropout(x), dropout(x)
        torch.manual_seed(1)
        assert torch.equal(dropout(x), first)
        assert not torch.equal(first, second)

    def test_it_does_nothing_in_evaluation_or_with_nothing_to_drop(self):
        x = torch.ones(300)
        assert BulkDropout(0.5).eval()(x) is x
        assert BulkDropout(0.0)(x) is x


@pytest.mark.parametrize("p", [0.001, 0.05, 0.9])
def test_distances_between_dropped_elements_are_geometric(p):
    torch.manual_seed(0)
    dropped = BulkDropout(p).sample(10_000_000)
    gaps, counts = dropped.diff().unique(return_counts=True)
    expected = p * (1 - p) ** (gaps.double() - 1) * (len(dropped) - 1)
    # Five standard deviations of a count, and what choosing among NUM_GAPS rounds off.
    allowed = 5 * expected.sqrt() + 5 + len(dropped) / NUM_GAPS
    assert float(((counts - expected).abs() / allowed).max()) < 1
    assert len(dropped) == pytest.approx(p * 10_000_000, rel=5 / (p * 10_000_000) ** 0.5)


def test_some_elements_may_be_unchanged_by_an_operation_in_place():
    x, kept = torch.arange(12.0).view(3, 4), torch.tensor([0, 5, 11], dtype=torch.int32)
    with unchanged_at(x, kept):
        x.add_(100)
    assert x.flatten()[kept].tolist() == [0.0, 5.0, 11.0]
    assert int((x >= 100).sum()) == 9
    with unchanged_at(x, None):
        x.zero_()
    assert not x.any()


def test_a_policy_on_a_cpu_samples_in_bulk_while_it_trains():
    config = tiny.stage(lora={"r": 4, "alpha": 8, "dropout": 0.5})
    policy = add_adapter(tiny.base(tiny.gpt2()), config.lora, seed=0)
    train_adapter_only(policy)
    dropouts = [m for n, m in policy.named_modules() if n.endswith("lora_dropout.default")]
    assert dropouts
    assert all(isinstance(module, BulkDropout) and module.training for module in dropouts)
    policy.train()
    train_adapter_only(policy)
    assert [module for module in policy.modules() if module.training] == dropouts
