import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from grice_core.dpo.logps import PairLogps
from grice_core.dpo.loss import PairBatch, StageLoss, maxim_weights
from grice_core.objectives import OBJECTIVES, Dpo, Ipo, Objective, Robust, SigmoidNorm
from tests.dpo import tiny

BETA = 0.5


def logps(chosen, rejected):
    return PairLogps(torch.tensor(chosen), torch.tensor(rejected))


def batch(weights, chosen=None, rejected=None, mean=None):
    """Pairs of these weights, whose responses have so many tokens."""
    ones = [1] * len(weights)
    chosen, rejected = (torch.tensor(tokens or ones) for tokens in (chosen, rejected))
    return PairBatch(torch.tensor(weights), chosen, rejected, mean or float(chosen.float().mean()))


# Two pairs whose chosen responses have gained 1 and lost 1 nat, the rejected ones lost 1 and gained 1:
# Δ is 2 and −2. They have 2 and 4 tokens on the chosen side, 5 and 1 on the rejected one.
POLICY = logps([-10.0, -14.0], [-14.0, -10.0])
REFERENCE = logps([-11.0, -13.0], [-13.0, -11.0])
PAIRS = batch([0.5, 2.0], chosen=[2, 4], rejected=[5, 1])
PER_TOKEN = (1 / 2 + 1 / 5, -1 / 4 - 1 / 1)


def minus_log_sigma(x):
    return math.log(1 + math.exp(-x))


BY_HAND = {
    "dpo": [minus_log_sigma(BETA * 2), minus_log_sigma(BETA * -2)],
    "ipo": [(PER_TOKEN[0] - 1) ** 2, (PER_TOKEN[1] - 1) ** 2],
    "robust": [
        (0.8 * minus_log_sigma(BETA * 2) - 0.2 * minus_log_sigma(BETA * -2)) / 0.6,
        (0.8 * minus_log_sigma(BETA * -2) - 0.2 * minus_log_sigma(BETA * 2)) / 0.6,
    ],
    "sigmoid_norm": [minus_log_sigma(BETA * PER_TOKEN[0]), minus_log_sigma(BETA * PER_TOKEN[1])],
}
AT_ZERO = {"dpo": 0.693147, "ipo": 1.0, "robust": 0.693147, "sigmoid_norm": 0.693147}
ALL = {each.name: each for each in (Dpo(), Ipo(), Robust(label_smoothing=0.2), SigmoidNorm())}


def test_every_objective_is_checked_here():
    assert set(ALL) == set(BY_HAND) == set(AT_ZERO) == set(OBJECTIVES)


@pytest.mark.parametrize("name", ALL)
def test_the_loss_by_hand(name):
    out = StageLoss(ALL[name]).of_pairs(POLICY, REFERENCE, PAIRS, BETA)
    first, second = BY_HAND[name]
    assert out.losses.tolist() == pytest.approx([0.5 * first, 2.0 * second])
    assert out.chosen_rewards.tolist() == [0.5, -0.5]
    assert out.rejected_rewards.tolist() == [-0.5, 0.5]


@pytest.mark.parametrize("name", ALL)
def test_without_a_difference_the_loss_is_the_weight_times_the_objectives_value_at_zero(name):
    out = StageLoss(ALL[name]).of_pairs(POLICY, POLICY, PAIRS, BETA)
    assert ALL[name].at_zero(BETA) == pytest.approx(AT_ZERO[name])
    assert out.losses.tolist() == pytest.approx([0.5 * AT_ZERO[name], 2.0 * AT_ZERO[name]])


def test_ipo_starts_from_its_squared_goal():
    # 1 / (2β) = 5 nats per token
    assert Ipo().at_zero(0.1) == pytest.approx(25)


def test_the_sft_term_is_the_cross_entropy_per_token_and_has_no_weight():
    out = StageLoss(Dpo(), sft_weight=0.2).of_pairs(POLICY, REFERENCE, PAIRS, BETA)
    without = StageLoss(Dpo()).of_pairs(POLICY, REFERENCE, PAIRS, BETA)
    assert without.sft is None
    # 24 nats for 6 tokens: 4 nats per token
    assert out.sft.mean().item() == pytest.approx(0.2 * 4)
    assert out.losses.mean().item() == pytest.approx(without.losses.mean().item() + 0.2 * 4)


def test_parts_of_a_step_have_the_sft_term_of_the_whole_step():
    loss = StageLoss(Dpo(), sft_weight=0.2)
    whole = loss.of_pairs(POLICY, REFERENCE, PAIRS, BETA).sft
    parts = [
        loss.of_pairs(
            logps([POLICY.chosen[i].item()], [-1.0]),
            logps([-1.0], [-1.0]),
            batch([1.0], chosen=[[2, 4][i]], mean=3.0),
            BETA,
        ).sft
        for i in range(2)
    ]
    assert torch.cat(parts).tolist() == pytest.approx(whole.tolist())


def test_the_gradient_is_minus_weight_beta_sigmoid():
    policy = PairLogps(torch.tensor([-1.0], requires_grad=True), torch.tensor([-2.0]))
    out = StageLoss(Dpo()).of_pairs(policy, logps([-1.0], [-1.0]), batch([3.0]), beta=0.2)
    out.losses.sum().backward()
    # Δ = 1: d/dπ −w·log σ(βΔ) = −w·β·σ(−βΔ)
    assert policy.chosen.grad.item() == pytest.approx(-3 * 0.2 / (1 + math.exp(0.2)))
    assert not out.chosen_rewards.requires_grad


def test_a_huge_difference_neither_overflows_nor_loses_its_gradient():
    policy = PairLogps(torch.tensor([-1e5], requires_grad=True), torch.tensor([-1.0]))
    out = StageLoss(Dpo()).of_pairs(policy, logps([-1.0], [-1.0]), batch([1.0]), beta=1.0)
    out.losses.sum().backward()
    assert out.losses.item() == pytest.approx(99_999)
    assert policy.chosen.grad.item() == -1.0


def test_a_stage_says_its_loss():
    loss = StageLoss.of(tiny.stage(loss_type="robust", label_smoothing=0.1, sft_weight=0.3))
    assert loss == StageLoss(Robust(label_smoothing=0.1), sft_weight=0.3)
    assert StageLoss.of(tiny.stage()) == StageLoss(Dpo())


def test_a_weight_is_the_mean_margin_of_the_weighted_maxims():
    margins = np.array([[0.4, 0.9, 0.2, -0.5], [-0.8, 0.9, 0.3, 0.1]])
    shares = maxim_weights(margins, np.array([1.0, 0.0, 1.0, 0.0]), min_margin=0.01)
    np.testing.assert_allclose(shares, [[0.2, 0, 0.1, 0], [0.005, 0, 0.15, 0]])
    np.testing.assert_allclose(shares.sum(axis=1), [0.3, 0.155])


def test_weights_count_relative_to_one_another():
    margins = np.array([[0.4, 0.2, 0.0, 0.0]])
    shares = maxim_weights(margins, np.array([6.0, 2.0, 0.0, 0.0]), min_margin=0.01)
    np.testing.assert_allclose(shares.sum(), (3 * 0.4 + 0.2) / 4)


def test_a_loss_gets_the_settings_that_it_names():
    """Whichever of a stage's they are: a new loss is one class."""

    @dataclass(frozen=True)
    class Scaled(Objective):
        name, title, equation, source = "scaled_in_a_test", "scaled", "sft_weight · Δ", "here"
        sft_weight: float

        def losses(self, delta, beta):  # noqa: ARG002
            return self.sft_weight * delta

    try:
        loss = StageLoss.of(tiny.stage(loss_type="scaled_in_a_test", sft_weight=0.25))
    finally:
        del OBJECTIVES["scaled_in_a_test"]
    assert loss == StageLoss(Scaled(sft_weight=0.25), sft_weight=0.25)
