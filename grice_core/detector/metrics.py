"""How well a detector's verdicts agree with labels, one maxim at a time."""

from pydantic import BaseModel, ConfigDict

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
    """The figures of one maxim; None where the labels don't define one."""

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
        """Whether the detector can't be told from a coin well enough to judge this maxim."""
        return self.auroc is None or self.auroc.low < WEAK_AUROC


class Metrics(_Data):
    """The figures of all maxims on one set of labelled texts."""

    num_texts: int
    data_sha256: str
    macro_f1: float
    maxims: dict[Maxim, MaximMetrics]

    @property
    def weak_maxims(self) -> tuple[Maxim, ...]:
        """Maxims that the detector is too weak to judge."""
        return tuple(maxim for maxim in MAXIMS if self.maxims[maxim].is_weak)
