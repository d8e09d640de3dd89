"""The pairs nearest to a filter's border, on both sides."""

import numpy as np

from grice_core.data.border import Border, find_border
from grice_core.data.filters import apply_filter
from grice_core.data.pairs import FloatArray
from grice_core.data.rules import KeptByRule, Rule, SumRule
from grice_core.maxims import Maxim

MANNER = SumRule(name="manner", maxims=(Maxim.MANNER,), above=0.2)
RELATION = SumRule(name="relation", maxims=(Maxim.RELATION,), above=-0.1)


def border_of(rules: list[Rule], margins: FloatArray, num: int = 2) -> Border:
    return find_border(rules, margins, apply_filter(rules, margins), num)


def test_the_nearest_pairs_come_first() -> None:
    margins = np.array([[0, 0, 0, manner] for manner in (0.9, 0.25, 0.21, 0.2, 0.1, -0.5)])

    border = border_of([MANNER], margins)

    assert border.just_kept.tolist() == [2, 1]
    assert border.just_dropped.tolist() == [3, 4]


def test_the_rule_that_a_pair_passes_least_decides() -> None:
    margins = np.array([[0, 0, 0.5, 0.25], [0, 0, -0.09, 0.9], [0, 0, -0.4, 0.19]])

    border = border_of([MANNER, RELATION], margins)

    assert border.just_kept.tolist() == [1, 0]
    assert border.just_dropped.tolist() == [2]


def test_unscored_pairs_are_at_no_border() -> None:
    margins = np.array([[np.nan] * 4, [0, 0, 0, 0.3]])

    border = border_of([MANNER], margins)

    assert border.just_kept.tolist() == [1]
    assert border.just_dropped.tolist() == []


def test_a_filter_without_thresholds_has_no_border() -> None:
    rule = KeptByRule(name="kept by no stage", filters=((MANNER,),))

    border = border_of([rule], np.array([[0, 0, 0, 0.3], [0, 0, 0, 0.1]]))

    assert border.just_kept.tolist() == border.just_dropped.tolist() == []
