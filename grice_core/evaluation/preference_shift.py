"""How far each training pair has moved the model: the detector's preference against the model's.

`stageN/pairs.jsonl` holds one line per training pair, written when the stage has ended; first those of
the stage itself, then those of the stages before it:

    {"stage": "stage1", "row": 17, "data_margins": {"quantity": 0.71, …}, "reference": -3.2,
     "reward_margin": 0.34}

`reference` is what the reference of the pair's own stage prefers: log π_ref(chosen) − log π_ref(rejected), in
nats. `reward_margin` is the implicit reward margin β · ((π_chosen − π_rejected) − reference) of the policy
after stage N, with the β of the pair's own stage (arXiv 2305.18290): above 0, the policy has moved towards
the chosen response since that stage began.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from grice_core.data.pairs import FloatArray
from grice_core.errors import DataError
from grice_core.files import write_text_atomic
from grice_core.maxims import MAXIMS

PAIRS_FILE = "pairs.jsonl"

_STAGE, _ROW, _MARGINS, _REFERENCE, _REWARD = (
    "stage",
    "row",
    "data_margins",
    "reference",
    "reward_margin",
)


@dataclass(frozen=True, eq=False)
class PreferenceShift:
    """The training pairs of one stage, after its training or that of a later stage."""

    stage: str
    """Whose pairs they are."""
    after: str
    """The stage after which they were looked at."""
    rows: tuple[int, ...]
    """(N,) 1-based rows in the data file."""
    data_margins: FloatArray
    """(N, 4) in the order of `MAXIMS`."""
    reward_margins: FloatArray
    """(N,)"""
    references: FloatArray | None = None
    """(N,) what the stage's reference prefers, in nats; None where the pipeline did not keep it."""

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


def write_shifts(path: Path, shifts: Iterable[PreferenceShift]) -> None:
    """Write a stage's `pairs.jsonl`."""
    lines = (json.dumps(line) + "\n" for pairs in shifts for line in _lines(pairs))
    write_text_atomic(path, "".join(lines))


def read_shifts(path: Path, stage: str) -> list[PreferenceShift]:
    """Read a stage's `pairs.jsonl`: its own pairs, then those of the stages before it.

    Raises:
        DataError: The file isn't what a pipeline writes.
    """
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        # A file that says no stage is of a time when only a stage's own pairs were looked at.
        groups = groupby(lines, lambda line: str(line.get(_STAGE, stage)))
        return [_pairs(of, stage, list(group)) for of, group in groups]
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path} can't be read ({error}): run the pipeline again") from error


def _lines(pairs: PreferenceShift) -> Iterator[dict[str, Any]]:
    references = pairs.references if pairs.references is not None else [None] * len(pairs.rows)
    for row, margins, reference, reward in zip(
        pairs.rows, pairs.data_margins.tolist(), references, pairs.reward_margins, strict=True
    ):
        yield {
            _STAGE: pairs.stage,
            _ROW: row,
            _MARGINS: dict(zip(MAXIMS, margins, strict=True)),
            _REFERENCE: None if reference is None else float(reference),
            _REWARD: float(reward),
        }


def _pairs(stage: str, after: str, lines: Sequence[dict[str, Any]]) -> PreferenceShift:
    references = [line.get(_REFERENCE) for line in lines]
    return PreferenceShift(
        stage=stage,
        after=after,
        rows=tuple(int(line[_ROW]) for line in lines),
        data_margins=np.array(
            [[float(line[_MARGINS][maxim]) for maxim in MAXIMS] for line in lines]
        ).reshape(-1, len(MAXIMS)),
        reward_margins=np.array([float(line[_REWARD]) for line in lines]),
        references=None if None in references else np.array(references, dtype=np.float64),
    )


def _rank_correlation(first: FloatArray, second: FloatArray) -> float | None:
    """Spearman's rho."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    from scipy.stats import spearmanr  # half a second to load, which most processes never need

    return float(spearmanr(first, second).statistic)
