"""Filters keep what the recipe says, and give every dropped pair one reason."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from grice_core.data.filters import (
    KEPT,
    LEAKS,
    UNSCORED,
    FilterResult,
    apply_filter,
)
from grice_core.data.pairs import FloatArray
from grice_core.data.rules import AnyAbsRule, KeptByRule, Rule, SumRule
from grice_core.maxims import Maxim

STRONG = AnyAbsRule(name="no strong signal", maxims=(Maxim.QUANTITY, Maxim.RELATION), above=0.3)
SUM = SumRule(name="sum too small", maxims=(Maxim.QUANTITY, Maxim.RELATION), above=0.1)
MANNER = SumRule(name="manner", maxims=(Maxim.MANNER,), above=0.2)
NAN = [np.nan] * 4


def margins_of(*rows: list[float]) -> FloatArray:
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def reason_of_each(result: FilterResult) -> list[str | None]:
    return [None if reason == KEPT else result.reasons[reason] for reason in result.reason]


def test_a_pair_is_dropped_for_the_first_rule_that_it_fails() -> None:
    margins = margins_of(
        [0.5, 0.0, 0.0, 0.0],  # strong, sum 0.5
        [0.2, 0.0, 0.2, 0.0],  # not strong, though the sum would do
        [-0.4, 0.0, 0.4, 0.0],  # strong, sum 0
        [0.0, 0.9, 0.0, 0.9],  # neither: the first rule is the reason
    )

    result = apply_filter([STRONG, SUM], margins)

    assert reason_of_each(result) == [None, "no strong signal", "sum too small", "no strong signal"]
    assert result.kept.tolist() == [True, False, False, False]
    assert result.num_kept == 1
    assert result.counts() == {"no strong signal": 2, "sum too small": 1}
    assert result.drop_reasons() == ["no strong signal", "sum too small", "no strong signal"]


def test_a_strong_signal_may_point_either_way() -> None:
    margins = margins_of([-0.31, 0, 0, 0], [0.31, 0, 0, 0], [0, 0, -0.31, 0], [0, 0, 0.31, 0])
    assert apply_filter([STRONG], margins).kept.all()


@pytest.mark.parametrize("rule", [STRONG, SUM, MANNER])
def test_a_margin_at_the_threshold_is_not_above_it(rule: AnyAbsRule | SumRule) -> None:
    at, above = np.zeros((2, 4))
    at[rule.maxims[0].column] = rule.above
    above[rule.maxims[0].column] = np.nextafter(rule.above, 1)

    assert apply_filter([rule], np.stack([at, above])).kept.tolist() == [False, True]


def test_unscored_pairs_are_dropped_whatever_the_rules() -> None:
    margins = margins_of(NAN, [0, 0, 0, 0.3])

    without_rules = apply_filter([], margins)
    with_a_rule = apply_filter([MANNER], margins)

    assert without_rules.counts() == {UNSCORED: 1}
    assert with_a_rule.counts() == {UNSCORED: 1, "manner": 0}
    assert with_a_rule.kept.tolist() == [False, True]


def test_unscored_is_no_reason_where_all_pairs_are_scored() -> None:
    assert apply_filter([MANNER], margins_of([0, 0, 0, 0.3])).reasons == ("manner",)


def test_leakage_counts_only_the_pairs_that_it_costs() -> None:
    margins = margins_of([0, 0, 0, 0.3], [0, 0, 0, 0.3], [0, 0, 0, 0.1])

    result = apply_filter([MANNER], margins, exclude=np.array([True, False, True]))

    assert reason_of_each(result) == [LEAKS, None, "manner"]
    assert result.counts() == {"manner": 1, LEAKS: 1}


def test_a_control_keeps_what_any_stage_keeps() -> None:
    margins = margins_of([0.5, 0, 0, 0], [0, 0, 0, 0.3], [0.5, 0, 0, 0.3], [0, 0, 0, 0])
    rule = KeptByRule(name="kept by no stage", filters=((STRONG, SUM), (MANNER,)))

    result = apply_filter([rule], margins)

    assert result.kept.tolist() == [True, True, True, False]
    assert result.counts() == {"kept by no stage": 1}


def test_no_pairs_give_no_reasons() -> None:
    result = apply_filter([STRONG, SUM], np.zeros((0, 4)))
    assert result.counts() == {"no strong signal": 0, "sum too small": 0}


def test_many_pairs_are_decided_like_few() -> None:
    margins = np.random.default_rng(0).uniform(-1, 1, (100_000, 4))
    margins[::7] = np.nan

    together = apply_filter([STRONG, SUM], margins)
    edges = [*range(0, len(margins), 9_999), len(margins)]
    apart = [apply_filter([STRONG, SUM], margins[a:b]) for a, b in pairwise(edges)]

    np.testing.assert_array_equal(together.reason, np.concatenate([part.reason for part in apart]))


@given(st.data())
def test_kept_and_dropped_pairs_add_up(data: st.DataObject) -> None:
    number = st.floats(-1, 1)
    maxims = st.lists(st.sampled_from(Maxim), min_size=1, unique=True).map(tuple)
    thresholds = st.builds(AnyAbsRule, name=st.just("a"), maxims=maxims, above=number)
    sums = st.builds(SumRule, name=st.just("b"), maxims=maxims, above=number)
    rules: list[Rule] = data.draw(
        st.sampled_from([[], ["a"], ["b"], ["a", "b"]])
        .flatmap(lambda names: st.tuples(*[{"a": thresholds, "b": sums}[name] for name in names]))
        .map(list)
    )
    row = st.one_of(st.just(NAN), st.lists(number, min_size=4, max_size=4))
    margins = margins_of(*data.draw(st.lists(row, max_size=20)))
    exclude = data.draw(
        st.none()
        | st.lists(st.booleans(), min_size=len(margins), max_size=len(margins)).map(
            lambda flags: np.array(flags, dtype=np.bool_)
        )
    )

    result = apply_filter(rules, margins, exclude)

    assert result.num_kept + sum(result.counts().values()) == len(margins)
    assert len(result.drop_reasons()) == len(margins) - result.num_kept
    assert not result.kept[np.isnan(margins[:, 0])].any()


@pytest.mark.parametrize("above", [np.nan, np.inf])
def test_a_threshold_is_a_finite_number(above: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        SumRule(name="sum", maxims=(Maxim.MANNER,), above=above)
