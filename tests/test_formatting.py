"""Numbers look the same wherever people read them."""

from grice_core.formatting import number, signed


def test_numbers_have_a_real_minus_and_no_negative_zero() -> None:
    assert (number(-0.1), number(-0.001), number(0.3)) == ("−0.10", "0.00", "0.30")
    assert (number(-0.00049, 3), number(12.345, 1)) == ("0.000", "12.3")


def test_signs_are_shown_of_what_does_not_round_to_zero() -> None:
    assert (signed(0.736), signed(-0.04)) == ("+0.74", "−0.04")
    assert signed(-0.001) == signed(0.001) == signed(0.0) == "0.00"
    assert signed(-0.0004, 3) == "0.000"
