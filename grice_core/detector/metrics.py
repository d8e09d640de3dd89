"""How well a detector's verdicts agree with labels, one maxim at a time."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.detector.figures import Figure, Verdicts, interval
from grice_core.maxims import MAXIMS, Maxim

WEAK_AUROC = 0.6
"""A detector whose AUROC interval reaches below this is too weak to judge the maxim."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(_Data):
    """A figure and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class MaximMetrics(_Data):
    """The figures of one maxim."""

    support: int
    """Texts that violate the maxim, according to the labels."""
    f1: Estimate
    precision: Estimate
    recall: Estimate
    auroc: Estimate | None
    """None: all labels are the same."""
    ece: Estimate
    """Expected calibration error, over ten bins of equal width."""

    @property
    def is_weak(self) -> bool:
        """Whether the detector is too close to chance to judge this maxim."""
        return self.auroc is None or self.auroc.low < WEAK_AUROC


class Metrics(_Data):
    """The figures of all maxims on one set of labelled texts."""

    num_texts: int
    data_sha256: str
    """Of the labels' file."""
    macro_f1: float
    maxims: dict[Maxim, MaximMetrics]

    @property
    def weak_maxims(self) -> tuple[Maxim, ...]:
        """Maxims that the detector is too weak to judge."""
        return tuple(maxim for maxim in MAXIMS if self.maxims[maxim].is_weak)


def measure(
    labels: FloatArray,
    probabilities: FloatArray,
    violated: BoolArray,
    groups: Sequence[str],
    data_sha256: str,
) -> Metrics:
    """All figures of (N, 4) verdicts on (N, 4) labels of 0 or 1.

    The intervals are from a bootstrap over the N texts' groups (dialogues).
    """
    maxims = {}
    for maxim in MAXIMS:
        column = maxim.column
        verdicts = Verdicts(labels[:, column] == 1, probabilities[:, column], violated[:, column])
        maxims[maxim] = _measure_maxim(verdicts, groups)
    return Metrics(
        num_texts=len(labels),
        data_sha256=data_sha256,
        macro_f1=float(np.mean([one.f1.value for one in maxims.values()])),
        maxims=maxims,
    )


def _measure_maxim(verdicts: Verdicts, groups: Sequence[str]) -> MaximMetrics:
    support = int(verdicts.truth.sum())
    one_sided = support in (0, len(groups))
    return MaximMetrics(
        support=support,
        f1=_estimate(verdicts.f1, groups),
        precision=_estimate(verdicts.precision, groups),
        recall=_estimate(verdicts.recall, groups),
        auroc=None if one_sided else _estimate(verdicts.auroc, groups),
        ece=_estimate(verdicts.ece, groups),
    )


def _estimate(figure: Figure, groups: Sequence[str]) -> Estimate:
    low, high = interval(figure, groups, seed=0)
    return Estimate(value=float(figure(np.ones((1, len(groups))))[0]), low=low, high=high)


def macro_f1(labels: FloatArray, violated: BoolArray) -> float:
    """Mean over the maxims of F1, for (N, 4) labels of 0 or 1 and (N, 4) verdicts."""
    truth = labels == 1
    both = (truth & violated).sum(axis=0)
    return float(np.mean(2 * both / np.maximum(truth.sum(axis=0) + violated.sum(axis=0), 1)))
