"""How a detector is read, how well it judges, and which of two judges better, as rows of tables."""

from collections.abc import Mapping

from app.text.formatting import number, signed
from app.ui.number_table import Cell
from grice_core.detector.metrics import Estimate, Metrics
from grice_core.detector.record import Agreement, DetectorRecord
from grice_core.evaluation.numbers import percent
from grice_core.maxims import MAXIMS, Maxim

READING_TITLES = ("", "temperature", "violated above")
AGREEMENT_TITLES = ("", "same verdict", "correlation", "difference")
METRICS_TITLES = ("", "violated", "F1", "precision", "recall", "AUROC", "ECE")


def reading_rows(record: DetectorRecord) -> list[list[Cell]]:
    """Temperature and threshold of each maxim."""
    read = record.temperatures, record.thresholds
    return [[Cell(maxim), *(Cell(number(getattr(one, maxim))) for one in read)] for maxim in MAXIMS]


def metrics_rows(metrics: Metrics) -> list[list[Cell]]:
    """The figures of each maxim, with their intervals."""
    rows = []
    for maxim in MAXIMS:
        one = metrics.maxims[maxim]
        figures = (one.f1, one.precision, one.recall, one.auroc, one.ece)
        rows.append([Cell(maxim), Cell(f"{one.support:,}"), *map(_figure, figures)])
    return rows


def agreement_rows(found: Mapping[Maxim, Agreement]) -> list[list[Cell]]:
    """How near a distilled detector is to its teacher, maxim by maxim."""
    return [
        [
            Cell(maxim),
            Cell(percent(one.same_verdict)),
            Cell(signed(one.spearman)),
            Cell(number(one.mean_abs_difference)),
        ]
        for maxim, one in ((maxim, found[maxim]) for maxim in MAXIMS)
    ]


def comparison_titles(names: tuple[str, str]) -> list[str]:
    """Those of `comparison_rows`; detectors of the same name get distinct labels."""
    first, second = names
    return [
        "",
        first,
        f"{second} (the other)" if first == second else second,
        "difference",
        "better",
    ]


def comparison_rows(ours: Metrics, theirs: Metrics, names: tuple[str, str]) -> list[list[Cell]]:
    """F1 of both, maxim by maxim, the difference, and which one is better if that is significant."""
    rows = []
    for maxim in MAXIMS:
        one, other = ours.maxims[maxim].f1, theirs.maxims[maxim].f1
        difference = Cell(signed(one.value - other.value) if one and other else "–")
        rows.append(
            [Cell(maxim), _figure(one), _figure(other), difference, _better(one, other, names)]
        )
    return rows


def _better(one: Estimate | None, other: Estimate | None, names: tuple[str, str]) -> Cell:
    _, first, second, *_ = comparison_titles(names)
    if one is None or other is None:
        return Cell("not measured", tone="dim")
    if one.low > other.high:
        return Cell(first)
    if other.low > one.high:
        return Cell(second)
    return Cell("undecided", tone="dim")


def _figure(figure: Estimate | None) -> Cell:
    if figure is None:
        return Cell("–")
    return Cell(number(figure.value), f"[{number(figure.low)}, {number(figure.high)}]")
