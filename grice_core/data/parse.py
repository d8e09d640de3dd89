"""Batches of raw rows into texts, scores and errors; every error is about one row alone."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from grice_core.data import problems
from grice_core.data.batches import Batch, Column
from grice_core.data.conversation_column import conversation_array
from grice_core.data.extras import extra_array
from grice_core.data.fields import SIDES, score_object_name, score_spellings
from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.data.report import ProblemKind
from grice_core.data.scores import (
    Fault,
    FaultArray,
    ScoreColumn,
    no_scores,
    score_column,
    score_object_columns,
)
from grice_core.data.text_fields import parse_texts
from grice_core.maxims import MAXIMS

_MARGIN_TOLERANCE = 1e-6
_ROUNDING = 1e-6
"""How far a score may lie outside [0, 1] and still be taken for one that arithmetic pushed out."""


@dataclass(frozen=True, eq=False)
class ParsedRows:
    """N rows of a file, each field in its place."""

    texts: dict[str, pa.Array]
    """Per text field, (N,); null where there is no usable text."""
    scores: FloatArray
    """(N, 2, 4): chosen and rejected, the maxims; NaN where there is no usable score."""
    messages: pa.Array | None
    """(N,) conversations as JSON, null where a row has none; `None` = there are none."""
    extras: dict[str, pa.Array]
    errors: dict[ProblemKind, BoolArray]
    """(N,) each: the rows with this error."""
    warnings: dict[ProblemKind, BoolArray]
    """(N,) each: the rows of which it must be said; what can be seen in a table of pairs is not among them."""

    @property
    def usable(self) -> BoolArray:
        """(N,) rows without any error."""
        usable: BoolArray = ~np.logical_or.reduce(list(self.errors.values()))
        return usable


def parse_rows(batch: Batch) -> ParsedRows:
    """Find texts and scores in a batch that has the fields of pairs, and what is wrong with them."""
    remaining = dict(batch.columns)
    texts = parse_texts(batch, remaining)
    scores, faults, unknown_scores = _parse_scores(batch, remaining)
    scores, rounded = _without_rounding(scores)
    extras = {name: extra_array(column) for name, column in {**remaining, **unknown_scores}.items()}
    return ParsedRows(
        texts={field: column.values for field, column in texts.columns.items()},
        scores=scores,
        messages=None if texts.conversations is None else conversation_array(texts.conversations),
        extras=extras,
        errors={**texts.errors(batch), **_score_errors(scores, faults)},
        warnings={
            problems.MARGINS_DISAGREE: _margins_disagree(batch, scores[:, 1] - scores[:, 0]),
            problems.SCORE_ROUNDED: rounded,
        },
    )


def _parse_scores(
    batch: Batch, remaining: dict[str, Column]
) -> tuple[FloatArray, FaultArray, dict[str, Column]]:
    """Scores and faults, both (N, 2, 4), and unknown keys of score objects, flat."""
    sides = []
    unknown: dict[str, Column] = {}
    for side in SIDES:
        name = score_object_name(side)
        columns = [no_scores(batch.num_rows)] * len(MAXIMS)
        if name in remaining:
            columns, others = score_object_columns(remaining.pop(name))
            unknown.update({f"{name}.{key}": column for key, column in others.items()})
        for maxim in MAXIMS:
            flat = _take_flat_scores(score_spellings(side, maxim), batch, remaining)
            if flat is not None:
                columns[maxim.column] = columns[maxim.column].or_else(flat)
        sides.append(columns)
    values = np.stack([np.stack([column.values for column in side], axis=1) for side in sides], 1)
    faults = np.stack([np.stack([column.faults for column in side], axis=1) for side in sides], 1)
    return values, faults, unknown


def _take_flat_scores(
    spellings: tuple[str, ...], batch: Batch, remaining: dict[str, Column]
) -> ScoreColumn | None:
    written = {name.strip().lower(): name for name in remaining}
    for spelling in spellings:
        if spelling in written:
            return score_column(remaining.pop(written[spelling]), batch.textual)
    return None


def _score_errors(scores: FloatArray, faults: FaultArray) -> dict[ProblemKind, BoolArray]:
    def some(*kinds: Fault) -> BoolArray:
        return _any_score(np.isin(faults, kinds))

    # All eight null or NaN is no error: the pair is unscored.
    scored = _any_score(~np.isin(faults, (Fault.ABSENT, Fault.NAN)))
    return {
        problems.MISSING_SCORE: scored & some(Fault.ABSENT, Fault.LACKING),
        problems.SCORE_NOT_A_NUMBER: scored & some(Fault.NAN, Fault.NOT_A_NUMBER),
        problems.SCORE_WRONG_TYPE: some(Fault.WRONG_TYPE),
        problems.SCORE_OUT_OF_RANGE: _any_score((scores < 0) | (scores > 1)),
    }


def _any_score(mask: BoolArray) -> BoolArray:
    """(N,) rows where the (N, 2, 4) mask holds for any score."""
    return np.asarray(mask.any(axis=(1, 2)))


def _without_rounding(scores: FloatArray) -> tuple[FloatArray, BoolArray]:
    """(N, 2, 4) scores, those that lie just outside [0, 1] moved to its end, and (N,) rows with such."""
    clipped = scores.clip(0, 1)
    is_near = (clipped != scores) & (np.abs(clipped - scores) <= _ROUNDING)
    return np.where(is_near, clipped, scores), _any_score(is_near)


def _margins_disagree(batch: Batch, margins: FloatArray) -> BoolArray:
    """(N,) whether the file's `margins` or `avg_margin` differ from these (N, 4) margins."""
    disagree = np.zeros(batch.num_rows, dtype=np.bool_)
    if "margins" in batch.columns:
        columns, _ = score_object_columns(batch.columns["margins"])
        theirs = np.stack([column.values for column in columns], axis=1)
        disagree |= (np.abs(theirs - margins) > _MARGIN_TOLERANCE).any(axis=1)
    if "avg_margin" in batch.columns:
        mean = score_column(batch.columns["avg_margin"], batch.textual).values
        disagree |= np.abs(mean - margins.mean(axis=1)) > _MARGIN_TOLERANCE
    return disagree
