"""The shipped detector's scores of the demo's pairs, so that the demo can be looked at at once."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from grice_core.data.load import load_pairs
from grice_core.data.pairs import PairTable
from grice_core.demo.project import PAIRS_FOLDER
from grice_core.errors import InputError
from grice_core.maxims import MAXIMS

SEED = 0
"""Of the pairs whose scores are shipped."""
SCORES_NAME = "scores.npy"


def write_scores(models: Path, scored: PairTable) -> None:
    """Keep the scores of pairs beside the models: (N, 8) violation probabilities, chosen then rejected."""
    folder = models / PAIRS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    scores = np.hstack([scored.chosen_scores, scored.rejected_scores])
    np.save(folder / SCORES_NAME, scores.astype(np.float32), allow_pickle=False)


def with_scores(pairs: Path, models: Path) -> PairTable:
    """The demo's pairs of this seed with their scores.

    Args:
        pairs: the pairs' file.
        models: where the demo's models are.

    Raises:
        InputError: the scores are missing, or those of other pairs.
    """
    path = models / PAIRS_FOLDER / SCORES_NAME
    if not path.is_file():
        raise InputError(f"{path} is missing: make the demo's models with `grice demo build`")
    table = load_pairs(pairs).table
    scores = np.load(path, allow_pickle=False).astype(np.float64)
    if scores.shape != (len(table), 2 * len(MAXIMS)):
        raise InputError(f"{path} holds the scores of other pairs: make it with `grice demo build`")
    chosen, rejected = np.split(scores, 2, axis=1)
    return replace(table, chosen_scores=chosen, rejected_scores=rejected)
