from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.numbers import percent, percent_interval, points, points_interval


def test_rates_are_percent_with_one_decimal() -> None:
    assert percent(0.225) == "22.5 %"
    assert percent_interval(Interval(0.172, 0.288)) == "[17.2, 28.8]"


def test_differences_carry_their_sign() -> None:
    assert points_interval(Interval(-0.26, 0.131)) == "[−26.0, +13.1]"


def test_a_difference_that_rounds_to_nothing_has_no_sign() -> None:
    assert points(-0.0001) == points(0.0) == "0.0"
