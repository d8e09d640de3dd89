"""The jackknife's interval is Student's where the figure is a mean."""

import numpy as np
import pytest
from scipy.stats import t

from grice_core.evaluation.jackknife import jackknife_interval, mean_interval


def test_of_a_mean_it_is_student_s_interval() -> None:
    values = np.array([3.0, 5.0, 9.0, 4.0, 4.0])
    error = values.std(ddof=1) / np.sqrt(5)
    found = mean_interval(values)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(t.interval(0.95, 4, values.mean(), error))


def test_one_prompt_has_no_interval() -> None:
    assert mean_interval(np.array([3.0])) is None
    assert jackknife_interval(3.0, np.array([3.0])) is None


def test_a_change_that_no_prompt_shows_is_not_known_to_be_nothing() -> None:
    found = jackknife_interval(0.0, np.zeros(98), extra=1.0)
    assert found is not None
    assert found.high == -found.low == pytest.approx(t.ppf(0.975, 97) * np.sqrt(2) / 100)
