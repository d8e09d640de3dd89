"""Margins as small integers that answer "is it above this threshold?" as exactly as the margins themselves.

A number's code is how many of some ascending edges lie below it. So `number > edges[k]` holds if and only if
`code > k`, to the last bit, whatever the numbers were rounded to: where thresholds are edges, a mask of codes is
the mask of the numbers, at an eighth of the memory. What is lost is where in its cell, between two edges, a number
lies; means come from the mean of each cell.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from grice_core.data.pairs import BoolArray, FloatArray, IntArray

GRID = 100
"""Thresholds on pages are multiples of 1 / GRID."""
_BLOCK = 1 << 15
_BUCKETS = 1 << 14
Codes = npt.NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, eq=False)
class CodedColumn:
    """N numbers by the cells they lie in: cell c holds what is above `edges[c - 1]` and at most `edges[c]`."""

    edges: FloatArray
    """(E,) ascending."""
    codes: Codes
    """(N,) in 0 … E; 0 also for NaN."""
    counts: IntArray
    """(E + 1,) how many numbers, NaN not counted, have each code."""
    means: FloatArray
    """(E + 1,) mean of the numbers with each code; 0 where there is none."""
    squares: FloatArray
    """(E + 1,) mean of their squares."""

    @classmethod
    def of(cls, numbers: FloatArray, edges: FloatArray) -> "CodedColumn":
        """Code (N,) numbers by (E,) ascending edges; NaN belongs to no cell."""
        coded = _coder(edges)
        codes: Codes = np.empty(len(numbers), np.uint8 if len(edges) < 256 else np.uint16)
        size = len(edges) + 1
        sums = np.zeros((3, size))  # of the numbers' powers 0, 1 and 2 in each cell
        for start in range(
            0, len(numbers), _BLOCK
        ):  # so that what is in between stays in the cache
            block = numbers[start : start + _BLOCK]
            known = ~np.isnan(block)
            given = np.where(known, block, edges[0])
            cells = coded(given)
            codes[start : start + _BLOCK] = cells
            given = given * known
            sums[0] += np.bincount(cells, known, size)
            sums[1] += np.bincount(cells, given, size)
            sums[2] += np.bincount(cells, given * given, size)
        share = 1 / np.maximum(sums[0], 1)
        return cls(edges, codes, sums[0].astype(np.int64), sums[1] * share, sums[2] * share)

    def as_bytes(self) -> bytes:
        """For a browser, little-endian: E and the bytes per code as two uint32; edges, counts, means and squares
        as float64; codes."""
        head = np.array([len(self.edges), self.codes.itemsize], dtype="<u4")
        numbers = [
            part.astype("<f8") for part in (self.edges, self.counts, self.means, self.squares)
        ]
        codes = self.codes.astype(self.codes.dtype.newbyteorder("<"), copy=False)
        return b"".join(part.tobytes() for part in (head, *numbers, codes))


def grid_edges(low: float, high: float, others: Iterable[float] = ()) -> FloatArray:
    """The multiples of 1 / GRID from `low` to `high`, and other thresholds that shall be exact too."""
    grid = np.arange(round(low * GRID), round(high * GRID) + 1) / GRID
    return np.union1d(grid, np.fromiter(others, np.float64))


def mask_bytes(mask: BoolArray) -> bytes:
    """`as_bytes` of a (N,) mask as numbers 0 and 1: 0 bytes per code, eight codes to a byte, lowest bit first."""
    count = int(np.count_nonzero(mask))
    head = np.array([1, 0], dtype="<u4")
    numbers = np.array([0.5, len(mask) - count, count, 0, 1, 0, 1], dtype="<f8")
    return head.tobytes() + numbers.tobytes() + np.packbits(mask, bitorder="little").tobytes()


def _coder(edges: FloatArray) -> Callable[[FloatArray], IntArray]:
    """`np.searchsorted(edges, numbers)`, several times as fast.

    Buckets so narrow that there is at most one edge in each; numbers and edges are put into them by the same
    monotone sum, so that only the edge in a number's own bucket is left to be compared.
    """
    low, high = edges[0], edges[-1]
    scale = (_BUCKETS - 1) / max(high - low, 1e-9)

    def bucket_of(numbers: FloatArray) -> npt.NDArray[np.int16]:
        found: npt.NDArray[np.int16] = ((np.clip(numbers, low, high) - low) * scale).astype(
            np.int16
        )
        return found

    places = bucket_of(edges)
    if len(np.unique(places)) < len(edges):  # thresholds that hardly differ
        return lambda numbers: np.searchsorted(edges, numbers)
    below = np.searchsorted(places, np.arange(_BUCKETS))
    edge_in = np.full(_BUCKETS, np.inf)
    edge_in[places] = edges

    def coded(numbers: FloatArray) -> IntArray:
        buckets = bucket_of(numbers)
        found: IntArray = below[buckets] + (numbers > edge_in[buckets])
        return found

    return coded
