"""Estimates from a detector's judgements and gold labels, held against the paper's own formulas."""

import numpy as np
import pytest

from grice_core.evaluation.intervals import wilson_interval
from grice_core.evaluation.prediction_powered import LEAST_GOLD, prediction_powered


def one_world(seed: int, num_prompts: int, num_gold: int, *, rate: float = 0.3, k: int = 1):
    """Truth, a detector that is wrong one time in five, and labels of some prompts' first answers."""
    draw = np.random.default_rng(seed)
    truth = (draw.random((num_prompts, k)) < rate).astype(np.float64)
    judged = np.where(draw.random(truth.shape) < 0.2, 1 - truth, truth)
    gold = np.full(truth.shape, np.nan)
    chosen = draw.choice(num_prompts, num_gold, replace=False)
    gold[chosen, 0] = truth[chosen, 0]
    return truth, judged, gold


def test_the_estimate_is_that_of_the_paper_for_the_weight_that_was_chosen():
    _, judged, gold = one_world(1, 400, 100)
    labelled = np.isfinite(gold[:, 0])
    found = prediction_powered(judged, gold)
    # There the unlabelled answers stand for themselves, here they are 300 of all 400.
    paper = found.weight * 300 / 400
    errors = gold[labelled, 0] - paper * judged[labelled, 0]
    assert found.value == pytest.approx(paper * judged[~labelled, 0].mean() + errors.mean())
    covariance = np.cov(gold[labelled, 0], judged[labelled, 0])[0, 1]
    assert paper == pytest.approx(covariance / judged.var() / (1 + 100 / 300), rel=0.05)
    variance = paper**2 * judged[~labelled, 0].var() / 300 + errors.var() / 100
    assert found.variance == pytest.approx(variance, rel=0.05)


def test_with_a_label_for_every_answer_the_detector_says_nothing():
    truth, judged, _ = one_world(2, 50, 50)
    found = prediction_powered(judged, truth)
    plain = wilson_interval(truth)
    assert found.weight == 0
    assert found.value == pytest.approx(truth.mean())
    interval = found.rate_interval()
    assert (interval.low, interval.high) == pytest.approx((plain.low, plain.high), abs=3e-3)


def test_a_detector_that_is_right_makes_labels_worth_more():
    truth, judged, gold = one_world(3, 300, 40)
    widths = []
    for seen in (np.random.default_rng(0).permutation(judged), judged, truth):
        interval = prediction_powered(seen, gold).rate_interval()
        widths.append(interval.high - interval.low)
    assert widths[0] > widths[1] > widths[2]


def test_a_biased_detector_is_corrected():
    truth, _, gold = one_world(4, 2000, 1000)
    judged = np.maximum(truth, np.random.default_rng(1).random(truth.shape) < 0.4)
    found = prediction_powered(judged, gold)
    assert judged.mean() - truth.mean() > 0.2
    assert found.value == pytest.approx(truth.mean(), abs=0.03)


def test_known_unequal_chances_do_not_bias_it():
    draw = np.random.default_rng(5)
    truth, judged, _ = one_world(6, 4000, 1000)
    chances = np.where(judged == 1, 0.5, 0.1)
    gold = np.where(draw.random(truth.shape) < chances, truth, np.nan)
    assert np.nanmean(gold) - truth.mean() > 0.1
    assert prediction_powered(judged, gold, chances).value == pytest.approx(truth.mean(), abs=0.03)


def test_labels_that_all_agree_do_not_claim_certainty():
    judged, gold = np.zeros((100, 1)), np.full((100, 1), np.nan)
    gold[:20] = 0
    interval = prediction_powered(judged, gold).rate_interval()
    assert interval.low == 0
    assert 0.1 < interval.high < 0.25
    change = prediction_powered(judged, gold).change_interval()
    assert change.low < -0.05
    assert change.high > 0.05


def test_a_detector_that_errs_more_often_than_anything_is_violated_does_not_make_labels_worthless():
    judged, gold = np.zeros((300, 1)), np.full((300, 1), np.nan)
    gold[:60], judged[:2], gold[0] = 0, 1, 1  # of the two violations that it calls one is none
    found = prediction_powered(judged, gold)
    assert found.value < 0.001
    assert (
        found.value * (1 - found.value) / found.variance < 1
    )  # as many labels would have its variance
    assert 0.05 < found.rate_interval().high < 0.1


def test_too_few_labelled_prompts_give_no_estimate():
    _, judged, gold = one_world(7, 100, LEAST_GOLD - 1, k=5)
    gold[np.isfinite(gold[:, 0]), 1] = 0  # more answers to the same prompts don't help
    assert prediction_powered(judged, gold) is None


@pytest.mark.parametrize(("rate", "k"), [(0.03, 1), (0.3, 1), (0.3, 5), (0.9, 5)])
def test_the_interval_of_a_rate_covers_the_truth_95_times_in_100(rate, k):
    worlds = (one_world(seed, 100, 20, rate=rate, k=k) for seed in range(1000))
    intervals = [prediction_powered(judged, gold).rate_interval() for _, judged, gold in worlds]
    covered = np.mean([interval.low <= rate <= interval.high for interval in intervals])
    assert 0.925 <= covered <= 0.985
