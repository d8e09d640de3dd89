import pytest
import torch

from grice_core.dpo.distributed.dropout_slices import (
    PassSlices,
    TokenSlice,
    dropping_slices,
    pass_slices,
    slice_dropout,
)
from grice_core.dpo.distributed.ranks import shares
from grice_core.dpo.logps import pair_logps
from grice_core.dpo.policy import train_adapter_only
from grice_core.dpo.prefix_trees import micro_batches
from grice_core.kernels.dropout import BulkDropout
from tests.dpo.killable import new_trainer


def gradients(policy, margins):
    """Of the sum of some pairs' margins."""
    policy.zero_grad(set_to_none=True)
    margins.sum().backward()
    return [p.grad for p in policy.parameters() if p.grad is not None]


@pytest.mark.parametrize("passes", ["shared", "separate"])
@pytest.mark.parametrize("count", [2, 3])
def test_parts_of_a_pass_drop_what_the_whole_pass_drops(passes, count):
    trainer = new_trainer()
    policy, every = trainer.policy, trainer.examples.pairs
    (order,) = micro_batches(every, 10_000)
    pairs = [every[position] for position in order]
    with torch.no_grad():
        for parameter in trainer.parameters:
            parameter.add_(0.1)
    train_adapter_only(policy)
    torch.manual_seed(0)
    whole = pair_logps(policy, pairs, passes).margin
    expected = gradients(policy, whole)

    slice_dropout(policy)
    sums = [torch.zeros_like(gradient) for gradient in expected]
    for own in shares(pairs, count):
        torch.manual_seed(0)
        slices = pass_slices(pairs, own, passes, torch.device("cpu"))
        with dropping_slices(policy, slices):
            margins = pair_logps(policy, [pairs[position] for position in own], passes).margin
        torch.testing.assert_close(margins, whole[own], atol=1e-5, rtol=1e-5)
        for total, gradient in zip(sums, gradients(policy, margins), strict=True):
            total += gradient
    for total, gradient in zip(sums, expected, strict=True):
        torch.testing.assert_close(total, gradient, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("dropout", [BulkDropout(0.3), torch.nn.Dropout(0.3)], ids=str)
def test_a_part_gets_its_slice_of_the_mask_that_is_sampled_for_the_whole(dropout):
    policy = new_trainer().policy
    (layer, *_) = (m for m in policy.modules() if getattr(m, "lora_dropout", None))
    layer.lora_dropout["default"] = dropout.train()
    x = torch.randn(3, 5, 7)
    torch.manual_seed(0)
    whole = dropout(x)
    slice_dropout(policy)
    policy.eval()
    train_adapter_only(policy)
    tokens = TokenSlice((3, 5), (2, 3), torch.tensor([2, 3, 4, 12, 13, 14]))
    torch.manual_seed(0)
    with dropping_slices(policy, PassSlices(tokens, tokens)):
        cut = layer.lora_dropout["default"](x[::2, 2:5])
    torch.testing.assert_close(cut, whole[::2, 2:5])
    assert (cut == 0).any()
    policy.eval()
    assert layer.lora_dropout["default"](x) is x


def test_without_a_slice_dropout_is_what_it_was():
    trainer = new_trainer()
    pairs = trainer.examples.pairs[:3]
    train_adapter_only(trainer.policy)
    torch.manual_seed(0)
    before = pair_logps(trainer.policy, pairs, "shared").margin
    slice_dropout(trainer.policy)
    torch.manual_seed(0)
    assert torch.equal(pair_logps(trainer.policy, pairs, "shared").margin, before)
