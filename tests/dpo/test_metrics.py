import numpy as np
import pytest
import torch

from grice_core.dpo.logps import PairLogps
from grice_core.dpo.loss import PairBatch, StageLoss
from grice_core.dpo.metrics import PairMeans, add_accuracies, add_batch, add_by_maxim, is_clear
from grice_core.objectives import Dpo


def measured(chosen, rejected, shares, beta=0.5, sft_weight=0.0):
    """Metrics of pairs whose reference gives 0 everywhere."""
    policy = PairLogps(torch.tensor(chosen), torch.tensor(rejected))
    zero = PairLogps(torch.zeros(len(chosen)), torch.zeros(len(chosen)))
    shares = torch.tensor(shares)
    means = PairMeans()
    tokens = torch.full((len(chosen),), 4)
    batch = PairBatch(shares.sum(dim=1), tokens, tokens, mean_chosen_tokens=4.0)
    add_batch(
        means, StageLoss(Dpo(), sft_weight).of_pairs(policy, zero, batch, beta), policy, shares
    )
    return means.means()


def accuracies(delta, margins):
    means = PairMeans()
    add_accuracies(means, torch.tensor(delta), np.array(margins))
    return means.means()


def test_means_are_over_pairs_not_over_batches():
    means = PairMeans()
    means.add("loss", torch.tensor([1.0, 2.0, 3.0]))
    means.add("loss", torch.tensor([10.0]))
    means.add("nothing", torch.tensor([]))
    assert means.means("heldout/") == {"heldout/loss": 4.0}


def test_rewards_and_log_probabilities_are_means_over_pairs():
    metrics = measured([-1.0, -3.0], [-5.0, -1.0], [[1.0, 0, 0, 0], [1.0, 0, 0, 0]])
    assert metrics["logps/chosen"] == -2.0
    assert metrics["logps/rejected"] == -3.0
    assert metrics["rewards/chosen"] == -1.0
    assert metrics["rewards/rejected"] == -1.5
    assert metrics["rewards/margins"] == 0.5


def test_each_maxims_loss_is_its_part_of_the_weight():
    metrics = measured([0.0, 0.0], [0.0, 0.0], [[0.3, 0, 0.1, 0], [0.1, 0, 0.3, 0]])
    parts = {name: value for name, value in metrics.items() if name.startswith("loss")}
    ln2 = np.log(2)
    assert parts == pytest.approx(
        {"loss": 0.4 * ln2, "loss/quantity": 0.2 * ln2, "loss/relation": 0.2 * ln2}
    )


def test_the_sft_terms_part_of_the_loss_is_told():
    metrics = measured([-8.0, -4.0], [0.0, 0.0], [[0.3, 0, 0.1, 0], [0.1, 0, 0.3, 0]], sft_weight=2)
    assert metrics["loss/sft"] == pytest.approx(2 * 12 / 8)
    parts = [value for name, value in metrics.items() if name.startswith("loss/")]
    assert sum(parts) == pytest.approx(metrics["loss"])


def test_a_pair_is_won_if_delta_is_positive_and_half_won_if_it_is_a_tie():
    metrics = accuracies([2.0, -2.0, 0.0, 0.5], np.zeros((4, 4)))
    assert metrics == {"rewards/accuracies": (1 + 0 + 0.5 + 1) / 4}


def test_a_maxims_accuracy_follows_its_own_clear_margins():
    # Manner prefers the rejected response of the second pair; the third pair says nothing clear.
    margins = [[0, 0, 0, 0.5], [0, 0, 0, -0.5], [0, 0, 0, 0.05]]
    metrics = accuracies([1.0, -1.0, -1.0], margins)
    assert metrics == {"rewards/accuracies": pytest.approx(1 / 3), "accuracies/manner": 1.0}


def test_pairs_without_scores_count_for_no_maxim():
    assert accuracies([1.0], np.full((1, 4), np.nan)) == {"rewards/accuracies": 1.0}


def test_what_is_measured_by_maxim_goes_by_the_direction_of_clear_margins_only():
    margins = np.array([[0.5, 0, 0, -0.3], [-0.5, 0, 0.05, -0.3], [0.2, 0, np.nan, 0.1]])
    means = PairMeans()
    add_by_maxim(means, "nats", torch.tensor([1.0, 2.0, 4.0]), margins, lambda toward: toward)
    assert means.means() == {"nats/quantity": (1 - 2 + 4) / 3, "nats/manner": -1.5}
    assert is_clear(margins).sum(axis=0).tolist() == [3, 0, 0, 2]
