"""Tables of pairs, one after the other."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from grice_core.data.conversation_column import TOOLS
from grice_core.data.extras import join_extras
from grice_core.data.json_column import JSON_TYPE
from grice_core.data.pairs import PairTable


def join_pairs(tables: Sequence[PairTable]) -> PairTable:
    """All pairs as training sees them, in order; each keeps the row of its own file.

    Of fields that we don't know only the tools of conversations are kept.
    """
    first, *others = tables
    if not others:
        return first
    schema = first.texts.schema
    return PairTable(
        texts=pa.concat_tables(table.texts.cast(schema) for table in tables),
        chosen_scores=np.concatenate([table.chosen_scores for table in tables]),
        rejected_scores=np.concatenate([table.rejected_scores for table in tables]),
        rows=np.concatenate([table.rows for table in tables]),
        extras=join_extras(
            [
                {TOOLS: table.extras.column(TOOLS).combine_chunks()}
                if TOOLS in table.extras.column_names
                else {}
                for table in tables
            ],
            [len(table) for table in tables],
        ),
        messages=_messages(tables),
    )


def _messages(tables: Sequence[PairTable]) -> pa.ChunkedArray | None:
    if all(table.messages is None for table in tables):
        return None
    columns = [
        pa.chunked_array([pa.nulls(len(table), JSON_TYPE)])
        if table.messages is None
        else table.messages
        for table in tables
    ]
    return pa.chunked_array([chunk for column in columns for chunk in column.chunks], JSON_TYPE)
