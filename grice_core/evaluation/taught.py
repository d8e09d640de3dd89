"""What each training pair taught: the detector's preference against the model's.

`stageN/pairs.jsonl` holds one line per training pair, written when the stage has ended:

    {"row": 17, "data_margins": {"quantity": 0.71, …}, "reward_margin": 0.34}

`reward_margin` is the implicit reward margin β · ((π_chosen − π_rejected) − (ref_chosen − ref_rejected)) of
the trained policy against the stage's reference (arXiv 2305.18290): above 0, the policy has moved
towards the chosen response.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from grice_core.data.pairs import FloatArray
from grice_core.errors import DataError
from grice_core.maxims import MAXIMS

PAIRS_FILE = "pairs.jsonl"


@dataclass(frozen=True, eq=False)
class TaughtPairs:
    """The pairs of one stage after its training."""

    rows: tuple[int, ...]
    """(N,) 1-based rows in the data file."""
    data_margins: FloatArray
    """(N, 4) in the order of `MAXIMS`."""
    reward_margins: FloatArray
    """(N,)"""

    @property
    def accuracy(self) -> float:
        """Share of the pairs whose chosen response the policy has moved towards."""
        return float((self.reward_margins > 0).mean())

    def correlations(self) -> dict[str, float | None]:
        """Per maxim, the rank correlation of data margin and reward margin.

        None where all pairs have the same margin, or fewer than three pairs are there.
        """
        return {
            str(maxim): _rank_correlation(self.data_margins[:, m], self.reward_margins)
            for m, maxim in enumerate(MAXIMS)
        }


def read_taught(path: Path) -> TaughtPairs:
    """Read a stage's `pairs.jsonl`.

    Raises:
        DataError: The file isn't what a pipeline writes.
    """
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return TaughtPairs(
            rows=tuple(int(line["row"]) for line in lines),
            data_margins=np.array(
                [[float(line["data_margins"][maxim]) for maxim in MAXIMS] for line in lines]
            ).reshape(-1, len(MAXIMS)),
            reward_margins=np.array([float(line["reward_margin"]) for line in lines]),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} can't be read ({error}): run the pipeline again") from error


def _rank_correlation(first: FloatArray, second: FloatArray) -> float | None:
    """Spearman's rho."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(spearmanr(first, second).statistic)
