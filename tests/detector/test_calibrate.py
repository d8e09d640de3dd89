"""Probabilities that mean what they say."""

import numpy as np
import pytest
from scipy.special import expit

from grice_core.data.pairs import FloatArray
from grice_core.detector.calibrate import Calibration, best_temperature, calibrate, fit_of
from grice_core.detector.record import Temperatures
from grice_core.maxims import MAXIMS, Maxim

NUM = 4000
GROUPS = [str(i) for i in range(NUM)]


def overconfident(factor: float) -> tuple[FloatArray, FloatArray]:
    """Logits that are `factor` times what the labels were drawn by: the right temperature."""
    rng = np.random.default_rng(0)
    right = rng.normal(size=(NUM, 4))
    return right * factor, (rng.random((NUM, 4)) < expit(right)).astype(np.float64)


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return calibrate(*overconfident(3.0), GROUPS, Temperatures())


@pytest.mark.parametrize("factor", [0.3, 1.0, 3.0])
def test_the_temperature_that_made_the_logits_wrong_is_found(factor: float) -> None:
    logits, labels = overconfident(factor)
    found = best_temperature(logits[:, 0], labels[:, 0] == 1)
    assert found == pytest.approx(factor, rel=0.1)


def test_log_loss_and_ece_get_better(calibration: Calibration) -> None:
    for one in calibration.maxims.values():
        assert one.after.log_loss < one.before.log_loss
        assert one.after.ece < one.before.ece / 3
    assert calibration.remarks == ()


def test_finding_the_same_again_is_no_sign_of_too_few_labels(calibration: Calibration) -> None:
    again = calibrate(*overconfident(3.0), GROUPS, calibration.temperatures)
    assert any(one.after.log_loss > one.before.log_loss for one in again.maxims.values())
    assert again.remarks == ()


def test_temperatures_and_thresholds_come_in_order(calibration: Calibration) -> None:
    expected = [calibration.maxims[maxim].temperature for maxim in MAXIMS]
    assert calibration.temperatures.as_array().tolist() == expected
    assert calibration.probabilities.shape == calibration.violated.shape == (NUM, 4)


def test_labels_without_an_optimum_are_remarked_on() -> None:
    """Logits that are never wrong want a temperature of 0."""
    labels = np.tile([[0.0], [1.0]], (50, 4))
    logits = np.where(labels == 1, 2.0, -2.0)
    found = calibrate(logits, labels, [str(i) for i in range(100)], Temperatures())
    assert len(found.remarks) == 4
    assert "at the bound of the search" in found.remarks[0]
    assert all(one.temperature > 0 for one in found.maxims.values())


def test_a_maxim_with_one_kind_of_label_is_left_alone() -> None:
    logits, labels = overconfident(3.0)
    labels[:, Maxim.RELATION.column] = 0
    found = calibrate(logits, labels, GROUPS, Temperatures(relation=0.7))
    assert found.maxims[Maxim.RELATION].temperature == 0.7
    assert found.remarks == (
        "All labels of relation are the same: its temperature was left alone.",
    )


def test_a_wanted_precision_is_reached_on_other_dialogues(calibration: Calibration) -> None:
    logits, labels = overconfident(3.0)
    found = calibrate(logits, labels, GROUPS, Temperatures(), precision=0.8)
    for maxim in MAXIMS:
        one = found.maxims[maxim]
        called = labels[one.violated, maxim.column]
        assert called.mean() == pytest.approx(0.8, abs=0.05)
        assert one.threshold > calibration.maxims[maxim].threshold


def test_a_precision_out_of_reach_is_remarked_on() -> None:
    logits = np.tile([[2.0], [-2.0], [1.0], [-1.0]], (25, 4))
    labels = np.tile([[0.0], [1.0], [1.0], [0.0]], (25, 4))
    found = calibrate(logits, labels, [str(i) for i in range(100)], Temperatures(), precision=0.99)
    assert sum("a precision of 0.99" in remark for remark in found.remarks) == 4


def test_a_certain_and_wrong_answer_has_a_finite_log_loss() -> None:
    assert np.isfinite(fit_of(np.array([0.0, 1.0]), np.array([True, False])).log_loss)
