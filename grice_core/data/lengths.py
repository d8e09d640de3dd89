"""How long responses are, in words."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from grice_core.data.pairs import IntArray, PairTable

MOST_COUNTED = 20_000
"""Of more pairs than this, so many are counted, evenly spread."""
_LONGER = 1.25
"""From this ratio of the means on, pairs may teach length."""


@dataclass(frozen=True)
class Words:
    """Mean number of words, separated by white space."""

    chosen: float
    rejected: float

    @property
    def teaches(self) -> str | None:
        """`shorter` or `longer` where the chosen responses differ by a quarter; else None."""
        if self.rejected > _LONGER * self.chosen:
            return "shorter"
        return "longer" if self.chosen > _LONGER * self.rejected else None


def mean_words(table: PairTable, indices: IntArray) -> Words | None:
    """Of the pairs at these indices; None if there are none."""
    if not len(indices):
        return None
    if len(indices) > MOST_COUNTED:
        spread = np.linspace(0, len(indices) - 1, MOST_COUNTED).astype(np.int64)
        indices = indices[spread]
    texts = table.texts.select(["chosen", "rejected"]).take(indices)
    return Words(*(_mean_words(texts.column(name)) for name in texts.column_names))


def _mean_words(texts: pa.ChunkedArray) -> float:
    trimmed = pc.utf8_trim_whitespace(texts)
    words = pc.list_value_length(pc.utf8_split_whitespace(trimmed))
    empty = pc.equal(pc.utf8_length(trimmed), 0)  # which splits into one empty word
    return float(pc.mean(pc.if_else(empty, 0, words)).as_py())
