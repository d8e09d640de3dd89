"""A true rate from a detector's rate and its errors on held-out labelled texts.

For where no answer has a gold label. It assumes that the detector errs on the answers as often as on its
held-out texts, which is least so where a model was trained against that very detector.

Source: Rogan, Gladen 1978 (doi 10.1093/oxfordjournals.aje.a112510); the interval, which carries the
sampling error of all three shares: Lang, Reiczigel 2014 (doi 10.1016/j.prevetmed.2013.09.015).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grice_core.detector.metrics import MaximMetrics, Metrics
from grice_core.detector.record import read_record
from grice_core.errors import DetectorError
from grice_core.evaluation.intervals import NORMAL, Interval, effective_size
from grice_core.evaluation.numbers import percent, percent_interval
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.maxims import MAXIMS

if TYPE_CHECKING:
    from rich.console import Group

NOTE = (
    "Rogan–Gladen; [95 % interval] with the sampling error of answers and labels. It assumes that the "
    "detector errs on these answers as on its labels, which training against it undoes."
)

LEAST_INFORMED = 0.1
"""Sensitivity + specificity − 1 below which the detector says too little to be corrected."""


@dataclass(frozen=True)
class HeldOutErrors:
    """A detector's errors on texts that it was not trained on."""

    found: float
    """Violations that it found …"""
    support: int
    """… of so many."""
    false: float
    """Sound texts that it called violations …"""
    sound: int
    """… of so many."""

    @classmethod
    def of(cls, figures: MaximMetrics, num_texts: int) -> "HeldOutErrors":
        """From recall and precision, which are all that a detector's record keeps."""
        found = figures.recall.value * figures.support if figures.recall else 0.0
        precision = figures.precision.value if figures.precision else 0.0
        false = found / precision - found if precision else 0.0
        return cls(found, figures.support, false, num_texts - figures.support)


@dataclass(frozen=True)
class CorrectedRate:
    """A rate, corrected for the detector's errors."""

    value: float
    interval: Interval


def rogan_gladen(rate: float, num_answers: float, errors: HeldOutErrors) -> CorrectedRate | None:
    """The true rate behind a detector's; None where it hardly tells violations from sound texts.

    Args:
        rate: Share of the answers that the detector calls violations.
        num_answers: How many those are; with several answers per prompt, the effective number.
        errors: On held-out labelled texts.
    """
    if not errors.support or not errors.sound:
        return None
    z = NORMAL
    sensitivity = (errors.found + 1) / (errors.support + 2)
    specificity = (errors.sound - errors.false + 1) / (errors.sound + 2)
    informed = sensitivity + specificity - 1
    if informed < LEAST_INFORMED:
        return None
    count = num_answers + z**2
    seen = (num_answers * rate + z**2 / 2) / count
    true = (seen + specificity - 1) / informed
    of_found = sensitivity * (1 - sensitivity) / (errors.support + 2)
    of_sound = specificity * (1 - specificity) / (errors.sound + 2)
    shift = 2 * z**2 * (true * of_found - (1 - true) * of_sound)
    variance = seen * (1 - seen) / count + true**2 * of_found + (1 - true) ** 2 * of_sound
    half = z * np.sqrt(variance) / informed
    low, value, high = np.clip([true + shift - half, true + shift, true + shift + half], 0, 1)
    return CorrectedRate(float(value), Interval(float(low), float(high)))


def corrected_rates(model: EvaluatedModel, metrics: Metrics) -> dict[str, CorrectedRate]:
    """By maxim; those that can't be corrected are missing, as `cooperative`, whose errors aren't known."""
    outcomes = model.outcomes_of(list(model.rows_of_prompt))
    found = {}
    for maxim, figures in metrics.maxims.items():
        own = outcomes[..., maxim.column]
        errors = HeldOutErrors.of(figures, metrics.num_texts)
        corrected = rogan_gladen(float(own.mean()), effective_size(own), errors)
        if corrected is not None:
            found[str(maxim)] = corrected
    return found


def measured(detector: Path) -> Metrics:
    """A detector's figures on held-out labelled texts.

    Raises:
        DetectorError: it can't be read, or has no such figures.
    """
    metrics = read_record(detector).metrics
    if metrics is None:
        raise DetectorError(
            f"{detector} was never evaluated on held-out labels: run `grice detector evaluate` first"
        )
    return metrics


def render_corrected_rates(by_model: Mapping[str, Mapping[str, CorrectedRate]]) -> "Group":
    """A row per maxim, a column per model, for a rich console."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for name in by_model:
        table.add_column(name, justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
    for maxim in map(str, MAXIMS):
        found = [rates.get(maxim) for rates in by_model.values()]
        cells = [
            (percent(one.value), percent_interval(one.interval)) if one else ("–", "")
            for one in found
        ]
        table.add_row(maxim, *(text for pair in cells for text in pair))
    return Group(
        Text("Corrected by the detector's errors on held-out labels", "bold"),
        table,
        Text(NOTE, "dim"),
    )
