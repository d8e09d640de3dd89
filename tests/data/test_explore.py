"""Pairs are found by words, margins and rows, and come in the order that was asked for."""

import numpy as np
import pytest

from grice_core.data.explore import (
    MarginRange,
    PairQuery,
    conflict_counts,
    conflict_mask,
    correlation,
    find_pairs,
)
from grice_core.data.pairs import PairTable
from grice_core.maxims import Maxim
from tests.data.tables import UNSCORED, table_of


@pytest.fixture
def table() -> PairTable:
    return table_of(
        [(0.3, 0, 0, -0.2), (0.1, 0, 0, 0.5), UNSCORED, (1.0, 0, 0, 0.5)],
        prompts=["Tell me of ÉLAN", "a (b) c", "élan", "100 %"],
    )


def test_everything_comes_in_file_order_unless_asked_otherwise(table: PairTable) -> None:
    assert find_pairs(table, PairQuery()).tolist() == [0, 1, 2, 3]
    assert find_pairs(table, PairQuery(descending=True)).tolist() == [3, 2, 1, 0]


@pytest.mark.parametrize(
    ("words", "found"),
    [("élan", [0, 2]), ("(B)", [1]), ("CHOSEN 3", [2]), ("rejected 1", [0]), ("  %  ", [3])],
)
def test_words_are_looked_for_in_all_texts_as_they_are_whatever_their_case(
    table: PairTable, words: str, found: list[int]
) -> None:
    assert find_pairs(table, PairQuery(words=words)).tolist() == found


def test_a_range_of_margins_holds_its_lower_end_and_the_margin_one(table: PairTable) -> None:
    def within(low: float, high: float) -> list[int]:
        query = PairQuery(margins=(MarginRange(Maxim.QUANTITY, low, high),))
        return [int(index) for index in find_pairs(table, query)]

    assert within(0.1, 0.3) == [1]
    assert within(0.3, 0.5) == [0]
    assert within(0.98, 1.0) == [3]


def test_rows_are_those_of_the_file(table: PairTable) -> None:
    assert find_pairs(table.take([2, 3]), PairQuery(rows=(4, 99))).tolist() == [1]


def test_sorting_by_a_margin_keeps_ties_in_file_order_and_unscored_pairs_last(
    table: PairTable,
) -> None:
    query = PairQuery(order=Maxim.MANNER, descending=True)

    assert find_pairs(table, query).tolist() == [1, 3, 0, 2]
    assert find_pairs(table, PairQuery(order=Maxim.MANNER)).tolist() == [0, 1, 3, 2]


def test_conflicts_are_better_on_one_maxim_and_worse_on_another(table: PairTable) -> None:
    mask = conflict_mask(table.margins, Maxim.QUANTITY, Maxim.MANNER, beyond=0.1)
    counts = conflict_counts(table.margins, beyond=0.1)

    assert mask.tolist() == [True, False, False, False]
    assert counts[Maxim.QUANTITY.column, Maxim.MANNER.column] == 1
    assert counts.sum() == 1


def test_correlation_is_that_of_numpy_over_scored_pairs() -> None:
    margins = np.random.default_rng(0).uniform(-1, 1, (50, 4))
    with_unscored = np.vstack([margins, np.full((3, 4), np.nan)])

    assert correlation(with_unscored) == pytest.approx(np.corrcoef(margins.T))


def test_a_margin_that_never_varies_correlates_with_nothing(table: PairTable) -> None:
    found = correlation(table.margins)

    assert np.isnan(found[Maxim.QUALITY.column]).all()
    assert found[0, 0] == pytest.approx(1)


def test_pairs_are_found_by_what_is_odd_about_them() -> None:
    flat = table_of([(0.3, 0, 0, 0), (0, 0, 0, 0)])

    assert find_pairs(flat, PairQuery(problem="no_margin")).tolist() == [1]
    assert find_pairs(flat, PairQuery(problem="duplicate")).tolist() == []
    assert find_pairs(flat, PairQuery(problem="no such code")).tolist() == []
