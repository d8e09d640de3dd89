import pytest

from grice_core.durations import duration, instant, rough_duration
from grice_core.errors import InputError


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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02", 86_400),
        ("1970-01-01T01:00", 3_600),
        ("1970-01-01T01:00+01:00", 0),
        ("7d", 1e9 - 7 * 86_400),
        ("12h", 1e9 - 12 * 3_600),
        ("30m", 1e9 - 1_800),
    ],
)
def test_a_point_in_time_by_its_date_or_so_long_ago(text, seconds):
    assert instant(text, now=1e9) == seconds


@pytest.mark.parametrize("text", ["", "yesterday", "7 weeks", "2026-13-01", "-1d"])
def test_what_is_no_time_is_said(text):
    with pytest.raises(InputError, match="is no time: write 2026-11-30"):
        instant(text)
