"""Labels that are probably wrong, ranked: confident learning on a detector's out-of-sample probabilities.

Each maxim is a question of its own with two classes. A class's threshold is the mean probability that the
detector gives it on the texts labelled so; a label is probably wrong if the detector is as sure of the other
class as it is of that class on average, and prefers it. They are ranked by self-confidence, the probability
of the given label, lowest first. Source: Northcutt, Jiang, Chuang, Confident Learning, JAIR 70 (2021);
the same labels as cleanlab's `find_label_issues(filter_by="confident_learning")`.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.detector.labels import LabelledTexts
from grice_core.detector.template import JudgedText
from grice_core.errors import DetectorError
from grice_core.maxims import MAXIMS, Maxim

LABEL_ERRORS_NAME = "label_errors.json"
"""In a detector's folder, under `evaluation`."""
NUM_KEPT = 500
"""Of the ranked labels, the most suspicious ones."""
_ROUNDING = 1e-6
"""As cleanlab has it."""


class LabelError(BaseModel):
    """A label that a detector doubts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    maxim: Maxim
    row: int
    """1-based, in the labels' file."""
    text: JudgedText
    violated: bool
    """According to the label."""
    probability: float
    """Of a violation, by a detector that has not seen the label."""
    likely: bool
    """Probably wrong by confident learning; else only ranked."""

    @property
    def self_confidence(self) -> float:
        """The probability of the given label."""
        return self.probability if self.violated else 1 - self.probability


class LabelErrors(BaseModel):
    """The labels of a file that are probably wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_sha256: str
    """Of the labels' file."""
    num_texts: int
    """That were judged."""
    num_likely: Mapping[Maxim, int]
    """Labels that are probably wrong."""
    ranked: tuple[LabelError, ...]
    """Those first, each part by self-confidence, lowest first; at most `NUM_KEPT` labels that are not."""
    how: str
    """Where the probabilities come from, in words."""

    def without(self, looked_at: Collection[tuple[int, Maxim]]) -> Self:
        """Without these labels, by row and maxim."""
        left = tuple(one for one in self.ranked if (one.row, one.maxim) not in looked_at)
        likely = [one.maxim for one in left if one.likely]
        counts = {maxim: likely.count(maxim) for maxim in MAXIMS}
        return self.model_copy(update={"ranked": left, "num_likely": counts})

    def write(self, folder: Path) -> None:
        """Keep them in a folder."""
        (folder / LABEL_ERRORS_NAME).write_text(self.model_dump_json(indent=1), encoding="utf-8")

    @classmethod
    def parse(cls, content: str | bytes, where: str) -> Self:
        """Raises: DetectorError, if that was written by something else."""
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise DetectorError(
                f"{where} can't be read: {error.errors()[0]['msg']}; evaluate the detector again"
            ) from None


def rank_label_errors(labelled: LabelledTexts, probabilities: FloatArray, how: str) -> LabelErrors:
    """Rank the labels of N texts by (N, 4) probabilities of detectors that have not seen them."""
    violated = labelled.labels == 1
    likely = np.column_stack(
        [likely_wrong(violated[:, m.column], probabilities[:, m.column]) for m in MAXIMS]
    )
    confidence = np.where(violated, probabilities, 1 - probabilities)
    order = np.lexsort((confidence.ravel(), ~likely.ravel()))[: int(likely.sum()) + NUM_KEPT]
    return LabelErrors(
        data_sha256=labelled.sha256,
        num_texts=len(labelled),
        num_likely={maxim: int(likely[:, maxim.column].sum()) for maxim in MAXIMS},
        ranked=tuple(_errors(order.tolist(), labelled, probabilities, likely)),
        how=how,
    )


def likely_wrong(violated: BoolArray, probabilities: FloatArray) -> BoolArray:
    """(N,) which labels are probably wrong, given (N,) labels and probabilities of a violation.

    None where all labels are the same: nothing says then how sure of the other class is sure.
    """
    if violated.all() or not violated.any():
        return np.zeros(len(violated), dtype=np.bool_)
    of_class = np.column_stack([1 - probabilities, probabilities])
    thresholds = np.array([of_class[~violated, 0].mean(), of_class[violated, 1].mean()])
    other = (~violated).astype(np.int64)
    rows = np.arange(len(violated))
    is_sure = of_class[rows, other] >= thresholds[other] - _ROUNDING
    likely: BoolArray = is_sure & ((probabilities > 0.5) != violated)
    return likely


def _errors(
    order: list[int], labelled: LabelledTexts, probabilities: FloatArray, likely: BoolArray
) -> Iterator[LabelError]:
    for place in order:
        index, column = divmod(place, len(MAXIMS))
        yield LabelError(
            maxim=MAXIMS[column],
            row=labelled.rows[index],
            text=labelled.texts[index],
            violated=bool(labelled.labels[index, column] == 1),
            probability=float(probabilities[index, column]),
            likely=bool(likely[index, column]),
        )
