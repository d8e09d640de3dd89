"""What gold labels make of rates, as rows for every kind of table, and the sentence above them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grice_core.evaluation.numbers import percent, percent_interval, points, points_interval
from grice_core.evaluation.second_judge import Evaluated
from grice_core.evaluation.true_rates import TrueFigure, TrueRates
from grice_core.evaluation.verdict import judge
from grice_core.evaluation.violations import COOPERATIVE, MEASURES

if TYPE_CHECKING:
    from rich.console import Group

_NOT_KNOWN = ("–", "")


@dataclass(frozen=True)
class TrueRow:
    """One measure: its corrected rate in every model, and how the last differs from the baseline."""

    measure: str
    rates: tuple[TrueFigure | None, ...]
    """One per model; None where it has too few labels."""
    change: TrueFigure | None

    def words(self) -> list[tuple[str, str]]:
        """A number and its interval per model, then of the change, as people read them; a dash for what is not known."""
        rates = [
            _NOT_KNOWN if one is None else (percent(one.value), percent_interval(one.interval))
            for one in self.rates
        ]
        change = self.change
        if change is None:
            return [*rates, _NOT_KNOWN]
        return [*rates, (points(change.value), points_interval(change.interval))]

    @property
    def colour(self) -> str:
        """Of the change: green or red where its whole interval says so, as `change_style`."""
        if self.change is None:
            return ""
        good, bad = self.change.interval.high < 0, self.change.interval.low > 0
        if self.measure == COOPERATIVE:
            good, bad = bad, good
        return "green" if good else "red" if bad else ""


def true_rows(found: TrueRates, names: Sequence[str]) -> list[TrueRow]:
    """A row per measure, a rate per model that is named; nothing where no model has labels enough."""
    if not found.rates:
        return []
    return [
        TrueRow(
            measure,
            tuple(found.rates[name][measure] if name in found.rates else None for name in names),
            found.changes.get(measure),
        )
        for measure in MEASURES
    ]


def verdict_sentence(found: TrueRates, evaluation: Evaluated) -> str:
    """Which figures the verdict rests on: `Verdict: met by the detector; with 60 judgements: undecided.`"""
    return found.sentence(judge(evaluation.models, evaluation.config).state)


def render_true_rates(found: TrueRates, evaluation: Evaluated) -> "Group":
    """The verdict that rests on the labels, and their rates beside the detector's, for a rich console."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    names = list(found.rates)
    for name in (*names, "change"):
        table.add_column(name, justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
    for row in true_rows(found, names):
        table.add_row(row.measure, *(text for pair in row.words() for text in pair))
    title = Text(verdict_sentence(found, evaluation), "bold")
    return Group(title, table, Text(found.note, "dim")) if found.rates else Group(title)
