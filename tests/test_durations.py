import pytest

from grice_core.durations import duration, rough_duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (40, "40 s"),
        (59.7, "1 min 0 s"),
        (725, "12 min 5 s"),
        (3599.9, "1 h 0 min"),
        (11_100, "3 h 5 min"),
    ],
)
def test_a_length_of_time_in_words(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(40, "40 s"), (720, "12 min"), (725, "12 min"), (11_100, "3 h 5 min")]
)
def test_an_estimate_says_no_seconds_that_nobody_can_know(seconds, words):
    assert rough_duration(seconds) == words
