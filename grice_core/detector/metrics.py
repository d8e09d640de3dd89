"""How well a detector's verdicts agree with labels, one maxim at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator
from scipy.special import betaincinv

from grice_core.data.pairs import BoolArray, FloatArray
from grice_core.detector.figures import Figure, Verdicts, interval
from grice_core.maxims import MAXIMS, Maxim

WEAK_AUROC = 0.6
"""A detector whose AUROC interval reaches below this is too weak to judge the maxim."""
HARSH = 0.5
"""A detector is too harsh if it calls fewer of the texts without a violation cooperative, for certain."""
WEAK = "too weak to judge this maxim"
"""What is said of a maxim that the detector can't judge, wherever its verdicts are shown."""


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
    f1: Estimate | None
    """None: no label is a violation."""
    precision: Estimate | None
    """None: no label is a violation, or nothing was called one."""
    recall: Estimate | None
    """None: no label is a violation."""
    auroc: Estimate | None
    """None: all labels are the same."""
    ece: Estimate
    """Expected calibration error, over ten bins of equal width."""

    @model_validator(mode="before")
    @classmethod
    def _without_figures_of_nothing(cls, values: Any) -> Any:
        """Older records say 0 where there is no violation to find."""
        if isinstance(values, Mapping) and values.get("support") == 0:
            return {**values, "f1": None, "precision": None, "recall": None}
        return values

    @property
    def is_weak(self) -> bool:
        """Whether the detector is too close to chance to judge this maxim."""
        return self.auroc is not None and self.auroc.low < WEAK_AUROC

    @property
    def unmeasured(self) -> str | None:
        """Why nothing is known of how well the maxim is judged; None if something is."""
        if self.auroc is not None:
            return None
        return f"{'every' if self.support else 'no'} labelled text violates it"

    @property
    def caution(self) -> str | None:
        """What speaks against believing the detector on this maxim."""
        if self.unmeasured:
            return f"not measured: {self.unmeasured}"
        return WEAK if self.is_weak else None


class CooperativeMetrics(_Data):
    """How texts as a whole are judged: cooperative where no maxim is violated."""

    support: int
    """Texts that violate nothing, according to the labels …"""
    called: int
    """… and those of them that are called cooperative."""
    others: int
    """Texts that violate something …"""
    missed: int
    """… and those of them that are called cooperative."""

    @property
    def words(self) -> str:
        """`called cooperative: 9 of 12 texts without a violation, 4 of 97 with one`"""
        return (
            f"called cooperative: {self.called:,} of {self.support:,} texts without a violation, "
            f"{self.missed:,} of {self.others:,} with one"
        )

    @property
    def at_most(self) -> float:
        """Upper end of the 95 % interval of called / support (Clopper, Pearson 1934, doi 10.2307/2331986)."""
        if self.called == self.support:
            return 1.0
        return float(betaincinv(self.called + 1, self.support - self.called, 0.975))

    @property
    def caution(self) -> str | None:
        """What speaks against believing cooperative rates by this detector."""
        if self.at_most >= HARSH:
            return None
        return (
            f"of {self.support:,} texts without a violation it calls {self.called:,} cooperative (at most "
            f"{100 * self.at_most:.0f} % of such texts): even a faultless model would hardly get a higher cooperative rate"
        )


class Metrics(_Data):
    """The figures of all maxims on one set of labelled texts."""

    num_texts: int
    data_sha256: str
    """Of the labels' file."""
    macro_f1: float | None
    """Mean over the maxims that have an F1; None: none has."""
    maxims: dict[Maxim, MaximMetrics]
    cooperative: CooperativeMetrics | None = None
    """None: measured before this was."""

    @property
    def macro_f1_words(self) -> str:
        """`macro-F1 0.812`, `macro-F1 of 3 maxims 0.812`."""
        if self.macro_f1 is None:
            return "no F1"
        counted = sum(one.f1 is not None for one in self.maxims.values())
        of = f" of {counted} maxim{'' if counted == 1 else 's'}" if counted < len(MAXIMS) else ""
        return f"macro-F1{of} {self.macro_f1:.3f}"

    @property
    def weak_maxims(self) -> tuple[Maxim, ...]:
        """Maxims that the detector is too weak to judge."""
        return tuple(maxim for maxim in MAXIMS if self.maxims[maxim].is_weak)

    @property
    def harshness(self) -> str | None:
        """Why its cooperative rates are too low to be believed, if they are known to be."""
        return None if self.cooperative is None else self.cooperative.caution

    @property
    def unmeasured_maxims(self) -> dict[Maxim, str]:
        """Maxims of which these texts can't say how well they are judged, and why not."""
        reasons = {maxim: self.maxims[maxim].unmeasured for maxim in MAXIMS}
        return {maxim: reason for maxim, reason in reasons.items() if reason}


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
    f1s = [one.f1.value for one in maxims.values() if one.f1 is not None]
    return Metrics(
        num_texts=len(labels),
        data_sha256=data_sha256,
        macro_f1=float(np.mean(f1s)) if f1s else None,
        maxims=maxims,
        cooperative=_measure_cooperative(labels, violated),
    )


def _measure_cooperative(labels: FloatArray, violated: BoolArray) -> CooperativeMetrics:
    sound, called = ~(labels == 1).any(axis=1), ~violated.any(axis=1)
    return CooperativeMetrics(
        support=int(sound.sum()),
        called=int((sound & called).sum()),
        others=int((~sound).sum()),
        missed=int((~sound & called).sum()),
    )


def _measure_maxim(verdicts: Verdicts, groups: Sequence[str]) -> MaximMetrics:
    support = int(verdicts.truth.sum())
    one_sided = support in (0, len(groups))
    return MaximMetrics(
        support=support,
        f1=_estimate(verdicts.f1, groups) if support else None,
        precision=_estimate(verdicts.precision, groups)
        if support and verdicts.violated.any()
        else None,
        recall=_estimate(verdicts.recall, groups) if support else None,
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
