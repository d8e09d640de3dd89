"""What a histogram draws, and which pairs a bar of it leads to."""

import numpy as np
import pytest

from app.ui.histogram_row import Bar, Panel, panel_data
from app.ui.pair_query import bar_range
from grice_core.data.codes import CodedColumn
from grice_core.data.explore import PairQuery, find_pairs
from grice_core.maxims import Maxim
from tests.data.tables import table_of


def test_a_histogram_is_drawn_where_there_are_pairs_and_a_little_around() -> None:
    counts = np.zeros(100, dtype=np.int64)
    counts[50:60] = 4

    data = panel_data(Panel(Maxim.MANNER, "#000000", -1.0, 0.02, counts))

    assert round(data["low"], 9) == -0.04  # two bars before the first
    assert data["total"] == [0, 0, *[4] * 10, 0, 0]
    assert data["summary"] == "40 pairs"


def test_without_pairs_all_of_it_is_drawn() -> None:
    data = panel_data(Panel(Maxim.MANNER, "#000000", -1.0, 0.02, np.zeros(100, dtype=np.int64)))

    assert len(data["total"]) == 100


@pytest.mark.parametrize("bar", range(10))
def test_a_bar_leads_to_as_many_pairs_as_it_counts(bar: int) -> None:
    edges = np.linspace(-1, 1, 11).round(2)
    rng = np.random.default_rng(0)
    margins = np.concatenate([rng.integers(-5, 6, 200) / 5, rng.uniform(-1, 1, 200)])
    table = table_of([(margin, 0, 0, 0) for margin in margins])
    margins = table.margins[:, 0]
    counts = CodedColumn.of(margins, edges).counts[1:-1]
    counts[0] += np.count_nonzero(margins == -1)

    clicked = Bar.of({"panel": "quantity", "low": -1 + bar * 0.2, "high": -1 + (bar + 1) * 0.2})
    wanted = bar_range(Maxim.QUANTITY, clicked.low, clicked.high)

    assert len(find_pairs(table, PairQuery(margins=(wanted,)))) == counts[bar]
