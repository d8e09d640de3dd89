import pytest

from grice_core.durations import duration


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
