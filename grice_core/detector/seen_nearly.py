"""Which texts are nearly, not exactly, among those that a detector was made with.

Its folder keeps their shingles as hashes, not the texts: some 300 bytes a text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from grice_core.data.near_duplicates import NEAR, Best, Nearest, distinctive, jaccard, similar_pairs
from grice_core.data.pairs import IntArray
from grice_core.data.shingles import ShingleSets
from grice_core.detector.template import JudgedText
from grice_core.errors import DetectorError

SHINGLES_NAME = "seen_shingles.npz"
"""In a detector's folder."""


@dataclass(frozen=True, eq=False)
class SeenShingles:
    """N judged texts as shingles."""

    responses: ShingleSets
    """(N,)"""
    contexts: ShingleSets
    """(K,) the distinct ones."""
    context: IntArray
    """(N,) which of them each text has."""

    @classmethod
    def of(cls, texts: Sequence[JudgedText]) -> Self:
        """Contexts and responses; the evidence does not count."""
        numbers: dict[str, int] = {}
        context = [numbers.setdefault(text.context, len(numbers)) for text in texts]
        return cls(
            responses=ShingleSets.of(text.response for text in texts),
            contexts=ShingleSets.of(numbers),
            context=np.array(context, dtype=np.int64),
        )

    def write(self, folder: Path) -> None:
        """Keep them in a detector's folder."""
        np.savez(
            folder / SHINGLES_NAME,
            responses=self.responses.hashes,
            response_offsets=self.responses.offsets,
            contexts=self.contexts.hashes,
            context_offsets=self.contexts.offsets,
            context=self.context.astype(np.int32),
        )

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Those in a detector's folder; None: it was not made here, or before they were kept.

        Raises:
            DetectorError: the file is damaged.
        """
        path = folder / SHINGLES_NAME
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as kept:
                return cls(
                    responses=ShingleSets(kept["responses"], kept["response_offsets"]),
                    contexts=ShingleSets(kept["contexts"], kept["context_offsets"]),
                    context=kept["context"].astype(np.int64),
                )
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise DetectorError(f"{path} is damaged: {error}; train the detector again") from None


def nearest_seen(
    texts: Sequence[JudgedText], seen: SeenShingles, at_least: float = NEAR
) -> Nearest:
    """Of each text the most similar one that was seen.

    Two texts are as similar as the less similar of their contexts and their responses: the same context
    alone makes no near-duplicate, nor does a canned response.
    """
    asked = SeenShingles.of(texts)
    ours, theirs = distinctive(asked.contexts, seen.contexts)
    best = Best.of_none(len(texts))
    for rows, others, similarity in similar_pairs(asked.responses, seen.responses, at_least):
        one, other = asked.context[rows], seen.context[others]
        lower = np.minimum(similarity, jaccard(ours, theirs, one, other))
        near = lower >= at_least
        best.update(rows[near], others[near], lower[near])
    return best.nearest()
