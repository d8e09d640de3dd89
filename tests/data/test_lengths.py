"""Responses are counted in words."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from grice_core.data.lengths import MOST_COUNTED, Words, mean_words
from tests.data.tables import table_of


def test_white_space_of_any_kind_separates_words() -> None:
    texts = pa.table({"prompt": ["p"], "chosen": ["\na b\u00a0c\t"], "rejected": [" "]})
    table = replace(table_of([(0, 0, 0, 0)]), texts=texts)
    assert mean_words(table, np.array([0])) == Words(3.0, 0.0)


def test_only_the_pairs_that_are_asked_for_count() -> None:
    texts = pa.table({"prompt": ["p"] * 3, "chosen": ["a", "a b", "a b c"], "rejected": ["a"] * 3})
    table = replace(table_of([(0, 0, 0, 0)] * 3), texts=texts)
    assert mean_words(table, np.array([1, 2])) == Words(2.5, 1.0)
    assert mean_words(table, np.array([], dtype=np.int64)) is None


def test_of_very_many_pairs_a_spread_sample_is_counted() -> None:
    count = 2 * MOST_COUNTED
    chosen = ["one"] * MOST_COUNTED + ["one two three"] * MOST_COUNTED
    texts = pa.table({"prompt": ["p"] * count, "chosen": chosen, "rejected": ["one"] * count})
    table = replace(table_of(np.zeros((count, 4)).tolist()), texts=texts)
    found = mean_words(table, np.arange(count))
    assert found is not None
    assert abs(found.chosen - 2.0) < 0.001


def test_a_quarter_more_words_may_teach_length() -> None:
    assert Words(10, 12.4).teaches is None
    assert Words(10, 12.6).teaches == "shorter"
    assert Words(12.6, 10).teaches == "longer"
