from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grice_core.data.extras import extra_array, extra_rows, join_extras, no_extras
from grice_core.data.json_column import JSON_TYPE


@pytest.mark.parametrize(
    "values",
    [
        ["a", "b"],
        [1, 2],
        [1.5, float("inf")],
        [True, False],
        [{"a": 1}, {"b": [2]}],
        [1, "two"],
        [True, 1],
        [10**30, -1],
        ["half \ud800", "whole"],
    ],
)
def test_every_value_comes_out_as_it_went_in(values: list[Any]) -> None:
    rows = extra_rows(join_extras([{"x": extra_array(values)}], [len(values)]))

    assert [row["x"] for row in rows] == values
    assert [type(row["x"]) for row in rows] == [type(value) for value in values]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=6,
    )
)
@example(float("inf"))
@example([float("nan"), None])
@example([2**63, -(2**63) - 1, 10**18, 0.1234567890123456789, float("nan"), -0.0, "\ud800"])
def test_any_value_in_an_object_comes_out_as_it_went_in(value: Any) -> None:
    (row,) = extra_rows(join_extras([{"x": extra_array([{"value": value}])}], [1]))

    assert repr(row["x"]) == repr({"value": value})


def test_a_null_is_a_field_that_is_not_there() -> None:
    extras = join_extras([{"x": extra_array([None, "a"]), "y": extra_array([None, None])}], [2])

    assert extra_rows(extras) == [{}, {"x": "a"}]


def test_columns_of_one_simple_type_keep_it() -> None:
    assert extra_array([1, None]).type == pa.int64()
    assert extra_array([{"a": 1}]).type == JSON_TYPE


def test_batches_may_differ_in_names_and_types() -> None:
    parts = [{"x": extra_array([1])}, {"y": extra_array(["b"])}, {"x": extra_array(["c"])}]

    assert extra_rows(join_extras(parts, [1, 1, 1])) == [{"x": 1}, {"y": "b"}, {"x": "c"}]


def test_no_extras_still_know_how_many_rows_there_are() -> None:
    assert no_extras(3).num_rows == 3
    assert extra_rows(no_extras(2)) == [{}, {}]
