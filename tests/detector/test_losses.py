"""What a detector is trained to minimise, worked by hand."""

import math

import numpy as np
import pytest
import torch

from grice_core.detector.losses import focal_loss, inverse_frequency_weights, soft_target_loss

EVEN = np.ones(4)


def test_focal_loss_of_a_coin_toss() -> None:
    """p = 1/2: alpha · (1/2)² · ln 2 for every maxim."""
    loss = focal_loss(0.25, 2.0, EVEN)(torch.zeros(3, 4), torch.ones(3, 4))
    assert float(loss) == pytest.approx(0.25 * 0.25 * math.log(2))


def test_gamma_zero_is_the_cross_entropy() -> None:
    logits, targets = torch.tensor([[2.0, -1.0, 0.5, 0.0]]), torch.tensor([[1.0, 0.0, 0.0, 1.0]])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
    assert float(focal_loss(1.0, 0.0, EVEN)(logits, targets)) == pytest.approx(float(expected))


def test_what_is_right_already_counts_little() -> None:
    loss = focal_loss(1.0, 2.0, EVEN)
    easy = loss(torch.full((1, 4), 3.0), torch.ones(1, 4))
    hard = loss(torch.full((1, 4), -3.0), torch.ones(1, 4))
    assert float(hard / easy) > 1000


def test_class_weights_are_shares_of_the_loss() -> None:
    """Only the first maxim is wrong, and it has 3 of the 6 units of weight."""
    logits = torch.tensor([[-4.0, 60.0, 60.0, 60.0]])
    weighted = focal_loss(1.0, 0.0, np.array([3.0, 1.0, 1.0, 1.0]))(logits, torch.ones(1, 4))
    assert float(weighted) == pytest.approx(0.5 * math.log(1 + math.exp(4)))


def test_rare_maxims_weigh_more() -> None:
    labels = np.zeros((40, 4))
    for column, count in enumerate((10, 20, 20, 40)):
        labels[:count, column] = 1
    weights = inverse_frequency_weights(labels)
    np.testing.assert_allclose(weights / weights[3], [4, 2, 2, 1])
    assert weights.mean() == pytest.approx(1)


def test_a_maxim_without_violations_is_no_trouble() -> None:
    assert np.isfinite(inverse_frequency_weights(np.zeros((5, 4)))).all()


def test_a_soft_target_is_met_at_its_own_logit() -> None:
    """The gradient of the cross-entropy to 0.3 vanishes at logit(0.3)."""
    logits = torch.full((1, 4), math.log(0.3 / 0.7), requires_grad=True)
    soft_target_loss(logits, torch.full((1, 4), 0.3)).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(1, 4), atol=1e-7, rtol=0)
