"""The comparison as rows, and as a table in the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grice_core.evaluation.numbers import percent, percent_interval, points, points_interval
from grice_core.evaluation.paired import PairedChange, paired_changes
from grice_core.evaluation.rates import Rate, model_rates
from grice_core.evaluation.verdict import State, Verdict
from grice_core.evaluation.violations import COOPERATIVE, MEASURES, EvaluatedModel

if TYPE_CHECKING:
    from rich.console import Group

MARKS = {State.MET: "✓", State.NOT_MET: "✗", State.UNDECIDED: "?"}
STYLES = {State.MET: "green", State.NOT_MET: "red", State.UNDECIDED: "yellow"}


@dataclass(frozen=True)
class ComparisonRow:
    """One measure: its rate in every model, and how the last differs from the baseline."""

    measure: str
    rates: tuple[Rate, ...]
    """One per model, in their order."""
    change: PairedChange

    @property
    def mark(self) -> str:
        """`better`, `worse`, or nothing where the interval of the change holds 0."""
        interval = self.change.interval
        if interval.low <= 0 <= interval.high:
            return ""
        rises_are_good = self.measure == COOPERATIVE
        return "better" if (interval.low > 0) == rises_are_good else "worse"


def comparison_rows(models: Sequence[EvaluatedModel]) -> list[ComparisonRow]:
    """One row per maxim and one for cooperative; the first model is the baseline."""
    rates = [model_rates(model) for model in models]
    changes = paired_changes(models[0], models[-1])
    return [
        ComparisonRow(measure, tuple(of[measure] for of in rates), changes[measure])
        for measure in MEASURES
    ]


def render_comparison(models: Sequence[EvaluatedModel], verdict: Verdict) -> "Group":
    """The verdict, the table and the criteria, for a rich console."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for model in models:
        table.add_column(model.name, justify="right", no_wrap=True)
        table.add_column("", style="dim", no_wrap=True)
    table.add_column("change", justify="right", no_wrap=True)
    table.add_column("points", style="dim", no_wrap=True)
    table.add_column("", no_wrap=True)
    for row in comparison_rows(models):
        table.add_row(*_cells(row), end_section=row.measure == MEASURES[-2])
    criteria = Table.grid(padding=(0, 1, 0, 0))
    for criterion in verdict.criteria:
        style = STYLES[criterion.state]
        criteria.add_row(Text(MARKS[criterion.state], style), Text(criterion.sentence, style))
    return Group(Text(verdict.sentence, "bold"), Text(), table, Text(), criteria)


def _cells(row: ComparisonRow) -> list[str]:
    rates = [
        cell for rate in row.rates for cell in (percent(rate.rate), percent_interval(rate.interval))
    ]
    change = row.change
    return [row.measure, *rates, points(change.change), points_interval(change.interval), row.mark]
