"""Counts that filter."""

import numpy as np

from app.app_pages.data.facets import counts
from app.ui.pair_query import margin_text, parse_margin
from grice_core.data.explore import PairQuery, find_pairs
from grice_core.data.load import load_pairs
from grice_core.maxims import Maxim
from tests.app.samples import write_pairs_file


def test_a_count_is_the_number_of_pairs_that_its_filter_finds(tmp_path) -> None:
    table = load_pairs(write_pairs_file(tmp_path / "pairs.json", num=200)).table
    found = counts(table.margins)
    assert {maxim for maxim, *_ in found} == set(Maxim)
    for _, _, wanted, count in found:
        linked = parse_margin(margin_text(wanted))
        assert linked is not None
        assert find_pairs(table, PairQuery(margins=(linked,))).size == count


def test_counts_that_would_filter_nothing_are_left_out() -> None:
    margins = np.array([[0.5, 0.1, 0.0, np.nan], [0.5, -0.5, 0.0, np.nan]])
    found = counts(margins)
    # Quantity is better in both; 0.1 is not more than 0.1; unscored is neither.
    assert [(maxim, word, count) for maxim, word, _, count in found] == [
        (Maxim.QUALITY, "worse", 1)
    ]
