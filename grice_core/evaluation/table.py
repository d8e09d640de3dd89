"""The comparison as rows, and as a table in the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grice_core.evaluation.comparison import CorrectedChange, compared, corrected
from grice_core.evaluation.endings import endings
from grice_core.evaluation.numbers import percent, percent_interval, points, points_interval
from grice_core.evaluation.rates import Rate, few_prompts, model_rates
from grice_core.evaluation.verdict import State, Verdict
from grice_core.evaluation.violations import COOPERATIVE, MEASURES, EvaluatedModel

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, Group, RenderResult
    from rich.table import Table
    from rich.text import Text

MARKS = {State.MET: "✓", State.NOT_MET: "✗", State.UNDECIDED: "?"}
STYLES = {State.MET: "green", State.NOT_MET: "red", State.UNDECIDED: "yellow"}


@dataclass(frozen=True)
class ComparisonRow:
    """One measure: its rate in every model, and how the last differs from the baseline."""

    measure: str
    rates: tuple[Rate, ...]
    """One per model, in their order."""
    change: CorrectedChange


def comparison_rows(
    models: Sequence[EvaluatedModel], changes: Sequence[CorrectedChange]
) -> list[ComparisonRow]:
    """One row per maxim and one for cooperative.

    Args:
        models: The baseline, then each stage.
        changes: Corrected together; the last model's changes from the baseline are among them.
    """
    ends = (models[0].name, models[-1].name)
    of_measure = {
        found.change.measure: found
        for found in changes
        if (found.change.before, found.change.after) == ends
    }
    rates = [model_rates(model) for model in models]
    return [
        ComparisonRow(measure, tuple(of[measure] for of in rates), of_measure[measure])
        for measure in MEASURES
    ]


def render_comparison(
    models: Sequence[EvaluatedModel],
    verdict: Verdict,
    changes: Sequence[CorrectedChange] | None = None,
) -> "Group":
    """The verdict, the table and the criteria, for a rich console.

    Args:
        models: The baseline, then each stage.
        verdict: On these models.
        changes: All changes shown together; by default the changes between these models.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    if changes is None:
        changes = corrected(compared(models))
    rows = comparison_rows(models, changes)
    criteria = Table.grid(padding=(0, 1, 0, 0))
    for criterion in verdict.criteria:
        style = STYLES[criterion.state]
        criteria.add_row(Text(MARKS[criterion.state], style), Text(criterion.sentence, style))
    table = rates_table([model.name for model in models], rows)
    notes = [*endings(models), *few_prompts(models), how_to_read(rows[0].change.num_tests)]
    note = Text("\n".join(notes), "dim")
    return Group(Text(verdict.sentence, "bold"), Text(), table, note, Text(), criteria)


def rates_table(names: Sequence[str], rows: Sequence[ComparisonRow]) -> "FittingTable":
    """Every model's rates, and the last one's changes from the baseline."""
    return FittingTable(
        [*names, "change"],
        [
            FittingRow(
                row.measure,
                [*map(rate_cells, row.rates), change_cells(row.change)],
                row.change.stars,
            )
            for row in rows
        ],
    )


def how_to_read(num_tests: int) -> str:
    """What brackets and stars mean."""
    return (
        "Change from baseline in points; [95 % interval]; * p < 0.05, ** < 0.01, *** < 0.001 "
        f"(exact paired tests, Holm-corrected over {num_tests})."
    )


@dataclass(frozen=True)
class FittingRow:
    """One row of a `FittingTable`."""

    title: str
    cells: Sequence[tuple["Text", "Text"]]
    """A number and its interval each."""
    mark: str = ""
    """After the last cell."""


@dataclass(frozen=True)
class FittingTable:
    """Numbers with intervals as a rich table; where the terminal is narrow, intervals stand below."""

    titles: Sequence[str]
    """Of the cells."""
    rows: Sequence[FittingRow]

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        beside = self._table(stacked=False)
        natural = console.measure(beside, options=options.update(width=1000)).maximum
        fits = natural <= options.max_width
        yield beside if fits else self._table(stacked=True)

    def _table(self, *, stacked: bool) -> "Table":
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("", no_wrap=True)
        for title in self.titles:
            shown = title.replace(" → ", " →\n") if stacked else title
            table.add_column(Text(shown), justify="right", no_wrap=True)
            if not stacked:
                table.add_column("", no_wrap=True)
        table.add_column("", no_wrap=True)
        for row in self.rows:
            joined = [[Text("\n").join(pair)] for pair in row.cells] if stacked else row.cells
            mark = Text(row.mark, row.cells[-1][0].style)
            table.add_row(row.title, *(cell for part in joined for cell in part), mark)
        return table


def rate_cells(rate: Rate) -> tuple["Text", "Text"]:
    """A rate and its interval."""
    from rich.text import Text

    return Text(percent(rate.rate)), Text(percent_interval(rate.interval), "dim")


def change_cells(found: CorrectedChange) -> tuple["Text", "Text"]:
    """A change and its interval, in points."""
    from rich.text import Text

    change = found.change
    return (
        Text(points(change.change), change_style(found)),
        Text(points_interval(change.interval), "dim"),
    )


def change_style(found: CorrectedChange) -> str:
    """Green for better, red for worse, nothing for what may be chance."""
    better = (found.change.change > 0) == (found.change.measure == COOPERATIVE)
    return ("green" if better else "red") if found.stars else ""
