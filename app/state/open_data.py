"""A data set opened for looking at: read once, shared by all sessions, never copied."""

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from app.state.studio import Studio
from grice_core.data.columnar import is_columnar, read_pairs
from grice_core.data.histograms import MarginBins
from grice_core.data.load import Prompts, load_pairs
from grice_core.data.pairs import BoolArray, FloatArray, PairTable
from grice_core.data.rules import ThresholdRule
from grice_core.data.split import holdout_mask


@dataclass(frozen=True, eq=False)
class OpenData:
    """Pairs and what is computed of them once; shared between threads, so nothing is changed."""

    table: PairTable

    @cached_property
    def margins(self) -> FloatArray:
        """(N, 4) data margins, column by column, as filters read them fastest."""
        return np.asfortranarray(self.table.margins)

    @cached_property
    def bins(self) -> MarginBins:
        return MarginBins.of(self.margins)

    @cached_property
    def prompts(self) -> Prompts:
        return Prompts.of_table(self.table)

    @cached_property
    def _strength_bins(self) -> dict[tuple[str, ...], MarginBins]:
        return {}

    @cached_property
    def _held_out(self) -> dict[float, BoolArray]:
        return {}

    def strength_bins(self, rule: ThresholdRule) -> MarginBins:
        """The bins of what a rule over several maxims compares, scaled to [-1, 1]."""
        key = (rule.kind, *rule.maxims)
        if key not in self._strength_bins:
            scaled = rule.strength(self.margins) / rule.range[1]
            self._strength_bins[key] = MarginBins.of(scaled[:, np.newaxis])
        return self._strength_bins[key]

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
