"""What a user looks for travels in the link, and a broken link looks for less."""

from app.ui.pair_query import link_query, margin_text, parse_margin
from grice_core.data.explore import MarginRange, PairQuery
from grice_core.maxims import Maxim


def test_a_range_comes_back_from_the_link_as_it_was() -> None:
    wanted = MarginRange(Maxim.MANNER, 0.3, 0.32)

    assert parse_margin(margin_text(wanted)) == wanted


def test_what_is_no_query_is_left_out() -> None:
    assert link_query(["nonsense", "manner:x:1", "cat:0:1"], "1,x,-3", "") == PairQuery(rows=(1,))


def test_a_warning_can_be_asked_for() -> None:
    assert link_query([], "", "duplicate").problem == "duplicate"
