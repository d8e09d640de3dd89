"""A data set opened for looking at: read once, shared by all sessions, never copied."""

import tempfile
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from app.state.studio import Studio
from grice_core.data.codes import CodedColumn, grid_edges
from grice_core.data.columnar import is_columnar, read_pairs
from grice_core.data.load import Prompts, load_pairs
from grice_core.data.pairs import BoolArray, FloatArray, IntArray, PairTable
from grice_core.data.split import holdout_mask

MAX_SHARED = 16
"""Columns of a data set that are kept for browsers, of which a recipe with two stages needs six or so."""


@dataclass(frozen=True, eq=False)
class OpenData:
    """Pairs and what is computed of them once; shared between threads, so nothing is changed."""

    table: PairTable

    @cached_property
    def margins(self) -> FloatArray:
        """(N, 4) data margins, column by column, as filters read them fastest."""
        return np.asfortranarray(self.table.margins)

    @cached_property
    def margin_counts(self) -> IntArray:
        """(4, 200) scored pairs by data margin, in cells of 0.01 that hold their right edge, the first one both."""
        edges = grid_edges(-1, 1)
        counts = np.stack([CodedColumn.of(column, edges).counts for column in self.margins.T])
        counts[:, 1] += counts[:, 0]
        return counts[:, 1:-1]

    @cached_property
    def prompts(self) -> Prompts:
        return Prompts.of_table(self.table)

    @cached_property
    def _shared(self) -> "OrderedDict[Hashable, bytes]":
        return OrderedDict()

    @cached_property
    def _held_out(self) -> dict[float, BoolArray]:
        return {}

    def shared(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """What is made of the pairs for browsers: made once for all sessions, kept while it is asked for."""
        found = self._shared.pop(key, None)
        found = make() if found is None else found
        self._shared[key] = found
        while len(self._shared) > MAX_SHARED:
            self._shared.popitem(last=False)
        return found

    def knows_held_out(self, share: float) -> bool:
        """Whether `held_out` answers at once; of a million prompts it first has to hash each."""
        return share in self._held_out

    def held_out(self, share: float) -> BoolArray:
        """(N,) the pairs that training only watches, with the seed that a launch starts from."""
        if share not in self._held_out:
            self._held_out[share] = holdout_mask(self.table.prompts, share, seed=0)
        return self._held_out[share]


def open_pairs(studio: Studio, sha256: str) -> OpenData:
    """Fetch and open the pairs of a data set by the address of its artifact.

    Raises:
        ArtifactError: the artifact is missing or damaged.
        DataError: it holds no pairs.
    """
    with tempfile.TemporaryDirectory(dir=studio.scratch) as folder:
        path = Path(folder) / "pairs"
        studio.artifacts.fetch_file(sha256, path)
        # A job may have stored pairs as the file that it wrote.
        return OpenData(read_pairs(path) if is_columnar(path) else load_pairs(path).table)
