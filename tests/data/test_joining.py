"""Tables of pairs, joined for training."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from grice_core.data.conversation_column import conversation_array
from grice_core.data.joining import join_pairs
from grice_core.data.messages import Conversation
from tests.data.tables import table_of

PLAIN = table_of([(0.5, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.5)], prompts=["a", "b"])


def test_pairs_keep_their_order_scores_and_rows():
    joined = join_pairs([PLAIN, PLAIN.take([1])])
    assert joined.prompts == ["a", "b", "b"]
    assert joined.rows.tolist() == [1, 2, 2]
    np.testing.assert_array_equal(joined.margins, PLAIN.margins[[0, 1, 1]])
    assert joined.conversations == [None, None, None]


def test_one_table_is_left_as_it_is():
    assert join_pairs([PLAIN]) is PLAIN


def test_conversations_stay_with_their_pairs():
    def turn(role, text):
        return ({"role": role, "content": text},)

    talk = Conversation(turn("user", "a"), turn("assistant", "yes"), turn("assistant", "no"))
    chat = replace(
        PLAIN.take([0]),
        messages=pa.chunked_array([conversation_array([talk])]),
        extras=pa.table({"note": ["mine"]}),
    )
    joined = join_pairs([PLAIN, chat])
    assert joined.conversations == [None, None, talk]
    assert joined.extras.num_columns == 0
