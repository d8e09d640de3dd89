"""Rates among answers of equal length."""

import numpy as np
import pytest

from grice_core.evaluation.equal_length import equal_length_change

SHORT, LONG = 5.0, 50.0


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_a_change_of_length_alone_is_no_change_at_equal_length() -> None:
    """Long answers violate, short ones don't; the stage is briefer, and that is all."""
    before = column(*[LONG] * 60, *[SHORT] * 40)
    after = column(*[LONG] * 20, *[SHORT] * 80)
    found = equal_length_change((before, after), (before == LONG, after == LONG))
    assert found.change == 0.0
    assert found.share == 1.0
    assert found.interval is not None
    assert found.interval.low < 0 < found.interval.high


def test_rates_are_weighted_by_the_first_model_s_lengths() -> None:
    """Short: 0.5 → 0.1 and 40 of 100 before; long: 1.0 → 0.75 and 60 of 100 before."""
    before = column(*[SHORT] * 40, *[LONG] * 60)
    after = column(*[SHORT] * 80, *[LONG] * 20)
    bad_before = column(*[1.0] * 20, *[0.0] * 20, *[1.0] * 60)
    bad_after = column(*[1.0] * 8, *[0.0] * 72, *[1.0] * 15, *[0.0] * 5)
    found = equal_length_change((before, after), (bad_before, bad_after))
    assert found.change == pytest.approx(0.4 * -0.4 + 0.6 * -0.25)


def test_answers_beyond_the_first_model_s_lengths_are_not_compared() -> None:
    before = column(*[SHORT] * 50, *[LONG] * 50)
    after = column(*[SHORT] * 50, *[LONG + 1] * 50)
    found = equal_length_change((before, after), (np.zeros((100, 1)), after > LONG))
    assert (found.change, found.share) == (0.0, 0.5)


def test_where_lengths_hardly_overlap_nothing_is_said() -> None:
    before = column(*[LONG] * 100)
    after = column(*[LONG] * 4, *[SHORT] * 96)
    found = equal_length_change((before, after), (before > SHORT, after > SHORT))
    assert (found.change, found.interval, found.share) == (None, None, 0.0)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """60 prompts, two answers each, alike by 0.3: violations of 20 % if short and 60 % if long are halved."""
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        words, bad = [], []
        for share_long, factor in ((0.5, 1.0), (0.3, 0.5)):
            is_long = generator.random((60, 2)) < share_long
            own, shared = generator.random((60, 2)), generator.random((60, 1))
            drawn = np.where(generator.random((60, 2)) < 0.3, shared, own)
            words.append(is_long + 1.0)
            bad.append((drawn < factor * np.where(is_long, 0.6, 0.2)) * 1.0)
        interval = equal_length_change((words[0], words[1]), (bad[0], bad[1])).interval
        assert interval is not None
        held += interval.low <= -0.2 <= interval.high
    assert held / 200 >= 0.91
