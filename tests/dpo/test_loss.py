import math

import numpy as np
import pytest
import torch

from grice_core.dpo.logps import PairLogps
from grice_core.dpo.loss import dpo_losses, maxim_weights


def logps(chosen, rejected):
    return PairLogps(torch.tensor(chosen), torch.tensor(rejected))


def test_the_loss_by_hand():
    # Δ = (−10 − −14) − (−11 − −13) = 2, so β·Δ = 1; the second pair mirrors it.
    policy = logps([-10.0, -14.0], [-14.0, -10.0])
    reference = logps([-11.0, -13.0], [-13.0, -11.0])
    out = dpo_losses(policy, reference, torch.tensor([0.5, 2.0]), beta=0.5)
    right, wrong = math.log(1 + math.exp(-1)), math.log(1 + math.exp(1))
    assert out.losses.tolist() == pytest.approx([0.5 * right, 2.0 * wrong])
    assert out.chosen_rewards.tolist() == [0.5, -0.5]
    assert out.rejected_rewards.tolist() == [-0.5, 0.5]


def test_without_a_difference_the_loss_is_the_weight_times_ln_2():
    same = logps([-3.0], [-9.0])
    assert dpo_losses(same, same, torch.tensor([0.25]), 0.1).losses.item() == pytest.approx(
        0.25 * math.log(2)
    )


def test_the_gradient_is_minus_weight_beta_sigmoid():
    policy = PairLogps(torch.tensor([-1.0], requires_grad=True), torch.tensor([-2.0]))
    out = dpo_losses(policy, logps([-1.0], [-1.0]), torch.tensor([3.0]), beta=0.2)
    out.losses.sum().backward()
    # Δ = 1: d/dπ −w·log σ(βΔ) = −w·β·σ(−βΔ)
    assert policy.chosen.grad.item() == pytest.approx(-3 * 0.2 / (1 + math.exp(0.2)))
    assert not out.chosen_rewards.requires_grad


def test_a_huge_difference_neither_overflows_nor_loses_its_gradient():
    policy = PairLogps(torch.tensor([-1e5], requires_grad=True), torch.tensor([-1.0]))
    out = dpo_losses(policy, logps([-1.0], [-1.0]), torch.tensor([1.0]), beta=1.0)
    out.losses.sum().backward()
    assert out.losses.item() == pytest.approx(99_999)
    assert policy.chosen.grad.item() == -1.0


def test_a_weight_is_the_mean_margin_of_the_weighted_maxims():
    margins = np.array([[0.4, 0.9, 0.2, -0.5], [-0.8, 0.9, 0.3, 0.1]])
    shares = maxim_weights(margins, np.array([1.0, 0.0, 1.0, 0.0]), min_margin=0.01)
    np.testing.assert_allclose(shares, [[0.2, 0, 0.1, 0], [0.005, 0, 0.15, 0]])
    np.testing.assert_allclose(shares.sum(axis=1), [0.3, 0.155])


def test_weights_count_relative_to_one_another():
    margins = np.array([[0.4, 0.2, 0.0, 0.0]])
    shares = maxim_weights(margins, np.array([6.0, 2.0, 0.0, 0.0]), min_margin=0.01)
    np.testing.assert_allclose(shares.sum(), (3 * 0.4 + 0.2) / 4)
