"""Rates corrected by a detector's errors on held-out labels."""

import numpy as np
import pytest

from grice_core.detector.metrics import Estimate, MaximMetrics, Metrics
from grice_core.evaluation.rogan_gladen import HeldOutErrors, corrected_rates, rogan_gladen
from grice_core.maxims import MAXIMS, Maxim
from tests.evaluation.judged import judged


def figures(recall: float, precision: float, support: int = 100) -> MaximMetrics:
    recall_, precision_, other = (
        Estimate(value=value, low=value, high=value) for value in (recall, precision, 0.5)
    )
    return MaximMetrics(
        support=support, f1=other, precision=precision_, recall=recall_, auroc=other, ece=other
    )


def test_the_errors_are_those_behind_recall_and_precision():
    errors = HeldOutErrors.of(figures(recall=0.8, precision=0.5), num_texts=500)
    assert (errors.found, errors.support, errors.false, errors.sound) == (80, 100, 80, 400)


def test_with_many_labels_it_is_the_plain_correction():
    errors = HeldOutErrors(found=80_000, support=100_000, false=10_000, sound=100_000)
    corrected = rogan_gladen(0.38, 1_000_000, errors)
    assert corrected.value == pytest.approx((0.38 + 0.9 - 1) / (0.8 + 0.9 - 1), abs=1e-3)


def test_fewer_labels_and_fewer_answers_widen_it():
    def width(num_answers, labels):
        errors = HeldOutErrors(0.8 * labels, labels, 0.1 * labels, labels)
        interval = rogan_gladen(0.38, num_answers, errors).interval
        return interval.high - interval.low

    assert width(1000, 1000) < width(100, 1000) < width(100, 30)


@pytest.mark.parametrize(("true", "sensitivity"), [(0.02, 0.8), (0.3, 0.8), (0.9, 0.95)])
def test_it_covers_the_truth_at_least_94_times_in_100(true, sensitivity):
    draw, specificity, num = np.random.default_rng(0), 0.9, 2000
    seen = draw.binomial(100, true * sensitivity + (1 - true) * (1 - specificity), num)
    found, false = draw.binomial(60, sensitivity, num), draw.binomial(200, 1 - specificity, num)
    intervals = [
        rogan_gladen(rate / 100, 100, HeldOutErrors(hits, 60, wrong, 200)).interval
        for rate, hits, wrong in zip(seen, found, false, strict=True)
    ]
    assert np.mean([one.low <= true <= one.high for one in intervals]) >= 0.94


@pytest.mark.parametrize(
    "errors",
    [
        HeldOutErrors(50, 100, 50, 100),  # a coin
        HeldOutErrors(0, 0, 5, 100),  # no violation among the labels
        HeldOutErrors(50, 100, 0, 0),  # nothing but violations
    ],
)
def test_what_says_too_little_corrects_nothing(errors):
    assert rogan_gladen(0.3, 100, errors) is None


def test_answers_that_are_alike_count_for_less():
    def width(prompts):
        model = judged("stage1", ["m"] * 30 + ["-"] * 70, prompts)
        metrics = Metrics(
            num_texts=500,
            data_sha256="0",
            macro_f1=0.8,
            maxims={maxim: figures(0.8, 0.8) for maxim in MAXIMS},
        )
        interval = corrected_rates(model, metrics)[str(Maxim.MANNER)].interval
        return interval.high - interval.low

    alone = [f"prompt {row}" for row in range(100)]
    alike = [f"prompt {row // 5}" for row in range(100)]
    assert width(alike) > 1.5 * width(alone)
