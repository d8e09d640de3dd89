"""Finding pairs: by words, by data margins, by row; in the order that a user wants to read them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from grice_core.data.findings import warning_masks
from grice_core.data.pairs import TEXT_FIELDS, BoolArray, FloatArray, IntArray, PairTable
from grice_core.data.texts import as_mask
from grice_core.maxims import MAXIMS, Maxim

FILE_ORDER = "row"


@dataclass(frozen=True)
class MarginRange:
    """Where a data margin lies."""

    maxim: Maxim
    low: float
    """Belongs to the range."""
    high: float
    """Does not, unless it is 1."""


@dataclass(frozen=True)
class PairQuery:
    """Which pairs, in which order; the default is all, in file order."""

    words: str = ""
    """Text that prompt, chosen or rejected holds, in whatever case."""
    margins: tuple[MarginRange, ...] = ()
    """Where data margins lie, all of them; unscored pairs lie nowhere."""
    rows: tuple[int, ...] = ()
    """Rows of the file, 1-based; empty means all."""
    problem: str = ""
    """Code of a warning that they shall be about; empty: whatever they are like."""
    order: str = FILE_ORDER
    """`row`, or the maxim whose data margin decides."""
    descending: bool = False


def find_pairs(table: PairTable, query: PairQuery) -> IntArray:
    """Indices of the pairs that are asked for, in the order that is asked for; unscored ones last."""
    mask = np.ones(len(table), dtype=np.bool_)
    if query.rows:
        mask &= np.isin(table.rows, query.rows)
    for wanted in query.margins:
        mask &= _within(table.margins[:, wanted.maxim.column], wanted)
    if query.problem:
        masks = {kind.code: found for kind, found in warning_masks(table).items()}
        mask &= masks.get(query.problem, np.zeros_like(mask))
    indices = np.flatnonzero(mask)
    if query.words.strip():
        indices = indices[_holding(table.texts, indices, query.words.strip())]
    return _sorted(table, indices, query)


def conflict_mask(margins: FloatArray, better: Maxim, worse: Maxim, beyond: float) -> BoolArray:
    """(N,) pairs whose chosen response is better on one maxim and worse on another, by more than `beyond`.

    Shapes: margins (N, 4) data margins, NaN = unscored, which is no conflict.
    """
    conflicting: BoolArray = (margins[:, better.column] > beyond) & (
        margins[:, worse.column] < -beyond
    )
    return conflicting


def conflict_counts(margins: FloatArray, beyond: float) -> IntArray:
    """(4, 4) number of pairs that are better on the row's maxim and worse on the column's."""
    better, worse = margins > beyond, margins < -beyond
    return better.T.astype(np.int64) @ worse.astype(np.int64)


def correlation(margins: FloatArray) -> FloatArray:
    """(4, 4) Pearson correlation of the data margins over scored pairs; NaN where a margin never varies.

    Shapes: margins (N, 4), NaN = unscored.
    """
    scored = margins[~np.isnan(margins[:, 0])]
    if not len(scored):
        return np.full((len(MAXIMS), len(MAXIMS)), np.nan)
    centred = scored - scored.mean(axis=0)
    covariance = centred.T @ centred
    scale = np.sqrt(np.diag(covariance))
    product = np.outer(scale, scale)
    found: FloatArray = np.divide(
        covariance, product, out=np.full_like(covariance, np.nan), where=product > 1e-12
    )
    return found


def _within(column: FloatArray, wanted: MarginRange) -> BoolArray:
    # The margin 1 belongs to the last range, which has no neighbour to belong to.
    below = column <= wanted.high if wanted.high >= 1 else column < wanted.high
    inside: BoolArray = (column >= wanted.low) & below
    return inside


def _holding(texts: pa.Table, indices: IntArray, words: str) -> BoolArray:
    """(len(indices),) whether any of the three texts holds the words."""
    found = np.zeros(len(indices), dtype=np.bool_)
    for name in TEXT_FIELDS:
        column = texts.column(name)
        column = column if len(indices) == len(column) else column.take(indices)
        found |= as_mask(pc.match_substring(column, words, ignore_case=True))
    return found


def _sorted(table: PairTable, indices: IntArray, query: PairQuery) -> IntArray:
    if query.order == FILE_ORDER:
        return indices[::-1] if query.descending else indices
    keys = table.margins[indices, Maxim(query.order).column]
    # Negated rather than reversed, so that equal pairs keep file order and NaN stays last.
    return indices[np.argsort(-keys if query.descending else keys, kind="stable")]
