"""Near-duplicates: texts that share most of their shingles with one of others.

The similarity of two texts is the Jaccard index of their sets of shingles, |A ∩ B| / |A ∪ B|. The search
is a set-similarity join with prefix filtering, which misses nothing, where MinHash would miss some near the
threshold: order the shingles from rare to frequent; two sets A and B of similarity t share one of the
first |A| - ⌈t|A|⌉ + 1 of A and of the first |B| - ⌈t|B|⌉ + 1 of B. What has such a shingle in common is
compared as a whole. Source: Bayardo, Ma, Srikant, Scaling Up All Pairs Similarity Search (2007).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from grice_core.data.pairs import BoolArray, FloatArray, IntArray
from grice_core.data.shingles import ShingleSets
from grice_core.progress import Progress, silent

NEAR = 0.8
"""From this similarity on two texts count as near-duplicates where nothing else is said."""
LEAST = 0.5
"""The lowest similarity that can be asked for."""
_USUAL_SHARE, _USUAL_COUNT = 0.01, 50
"""A shingle in more texts than both of these is boilerplate, such as a system prompt: it does not count."""
_SHARED_AT_A_TIME, _SHINGLES_AT_A_TIME = 1_000_000, 4_000_000
"""Bound the memory: shingles that prefixes share, and shingles of texts that are compared."""
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Nearest:
    """Of each of N texts the most similar one of others."""

    similarity: FloatArray
    """(N,) 0 where none is as similar as was asked for."""
    other: IntArray
    """(N,) its index; −1 where there is none. Of equally similar ones the first."""

    def reaches(self, at_least: float) -> BoolArray:
        """(N,) which have one that is at least so similar."""
        reaches: BoolArray = self.similarity >= at_least - _ROUNDING
        return reaches


def nearest(
    texts: ShingleSets,
    others: ShingleSets,
    *,
    at_least: float = LEAST,
    progress: Progress = silent,
) -> tuple[Nearest, Nearest]:
    """The most similar of the others for each text, and the most similar text for each of the others.

    Shingles of more than 1 % (and 50) of all texts don't count.
    """
    found = Best.of_none(len(texts)), Best.of_none(len(others))
    for rows, columns, similarity in similar_pairs(texts, others, at_least, progress):
        found[0].update(rows, columns, similarity)
        found[1].update(columns, rows, similarity)
    return found[0].nearest(), found[1].nearest()


def similar_pairs(
    texts: ShingleSets, others: ShingleSets, at_least: float = LEAST, progress: Progress = silent
) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Some at a time, all pairs that are similar enough: indices of texts and of others, similarities."""
    if not (len(texts.hashes) and len(others.hashes)):
        return
    ours, theirs = distinctive(texts, others)
    for rows, columns in _candidates(ours, theirs, at_least, progress):
        similarity = jaccard(ours, theirs, rows, columns)
        near = similarity >= at_least - _ROUNDING
        yield rows[near], columns[near], similarity[near]


class Best:
    """The best so far of each text."""

    def __init__(self, similarity: FloatArray, other: IntArray) -> None:
        self.similarity = similarity
        self.other = other

    @classmethod
    def of_none(cls, count: int) -> "Best":
        """Of so many texts, none compared yet."""
        return cls(np.zeros(count), np.full(count, -1, dtype=np.int64))

    def update(self, rows: IntArray, others: IntArray, similarity: FloatArray) -> None:
        """Take pairs into account; on a tie the first of the others wins."""
        order = np.lexsort((others, -similarity, rows))
        first = order[np.unique(rows[order], return_index=True)[1]]
        at, better = rows[first], similarity[first]
        tied = (better == self.similarity[at]) & (others[first] < self.other[at])
        first = first[(better > self.similarity[at]) | tied]
        self.similarity[rows[first]] = similarity[first]
        self.other[rows[first]] = others[first]

    def nearest(self) -> Nearest:
        """As it stands."""
        return Nearest(self.similarity, self.other)


def distinctive(texts: ShingleSets, others: ShingleSets) -> tuple[Any, Any]:
    """Both as (N, V) sparse matrices of ones whose columns go from rare to frequent, without boilerplate."""
    from scipy.sparse import csr_matrix

    hashes = np.concatenate([texts.hashes, others.hashes])
    _, column, count = np.unique(hashes, return_inverse=True, return_counts=True)
    num_texts = len(texts) + len(others)
    keeps = count <= max(_USUAL_COUNT, _USUAL_SHARE * num_texts)
    place = np.empty(len(count), dtype=np.int64)
    place[np.argsort(count, kind="stable")] = np.arange(len(count))

    def matrix(of: ShingleSets, columns: IntArray) -> Any:
        kept = keeps[columns]
        ends = np.concatenate([[0], np.cumsum(kept)])[of.offsets]
        indices = place[columns[kept]]
        ones = np.ones(len(indices), dtype=np.int32)
        found = csr_matrix((ones, indices, ends), shape=(len(of), len(count)))
        found.sort_indices()
        return found

    split = len(texts.hashes)
    return matrix(texts, column[:split]), matrix(others, column[split:])


def _candidates(
    ours: Any, theirs: Any, at_least: float, progress: Progress
) -> Iterator[tuple[IntArray, IntArray]]:
    """Pairs (row, column) that share a shingle of their prefixes and whose sizes allow the similarity."""
    prefixes, known = _prefixes(ours, at_least), _prefixes(theirs, at_least).T.tocsr()
    our_sizes, their_sizes = np.diff(ours.indptr), np.diff(theirs.indptr)
    num_shared = np.cumsum(prefixes @ np.diff(known.indptr))  # at most, up to each row
    for start, end in _portions(num_shared, _SHARED_AT_A_TIME):
        rows, columns = (prefixes[start:end] @ known).nonzero()
        rows = rows.astype(np.int64) + start
        one, other = our_sizes[rows], their_sizes[columns]
        fits = np.minimum(one, other) >= (at_least - _ROUNDING) * np.maximum(one, other)
        yield rows[fits], columns[fits].astype(np.int64)
        progress("comparing texts", end, len(num_shared))


def _prefixes(sets: Any, at_least: float) -> Any:
    """Of each row its first |A| - ⌈t|A|⌉ + 1 columns."""
    from scipy.sparse import csr_matrix

    sizes = np.diff(sets.indptr)
    lengths = np.minimum(sizes, sizes - np.ceil(at_least * sizes - _ROUNDING) + 1).astype(np.int64)
    place = np.arange(len(sets.indices)) - np.repeat(sets.indptr[:-1], sizes)
    kept = place < np.repeat(lengths, sizes)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    return csr_matrix((sets.data[kept], sets.indices[kept], ends), shape=sets.shape)


def jaccard(ours: Any, theirs: Any, rows: IntArray, columns: IntArray) -> FloatArray:
    """(K,) the Jaccard index of each pair of a row of ours and a row of theirs; of two empty ones 1."""
    sizes = np.diff(ours.indptr)[rows], np.diff(theirs.indptr)[columns]
    both = np.zeros(len(rows))
    for start, end in _portions(np.cumsum(sizes[0] + sizes[1]), _SHINGLES_AT_A_TIME):
        pairs = slice(start, end)
        both[pairs] = ours[rows[pairs]].multiply(theirs[columns[pairs]]).sum(axis=1).ravel()
    either = sizes[0] + sizes[1] - both
    similarities = np.ones(len(rows))
    np.divide(both, either, out=similarities, where=either > 0)
    return similarities


def _portions(totals: IntArray, most: int) -> Iterator[tuple[int, int]]:
    """Ranges that cover all items and hold at most so much each, or one item; `totals` are running sums."""
    start = 0
    while start < len(totals):
        before = totals[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(totals, before + most, side="right")))
        yield start, end
        start = end
