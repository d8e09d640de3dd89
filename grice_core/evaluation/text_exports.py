"""Length and diversity of answers for the terminal, for other programs and for documents."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from grice_core.csv_text import csv_text
from grice_core.evaluation.exports import latex_escaped, latex_table
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.table import FittingRow, FittingTable
from grice_core.evaluation.text_rows import (
    HEADING,
    TextRow,
    change_rows,
    change_titles,
    figure_rows,
    text_notes,
)
from grice_core.evaluation.texts import AT_EQUAL_LENGTH, TextComparison
from grice_core.formatting import MINUS

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

TEXT_CSV_COLUMNS = ("measure", "model", "compared_with", "value", "low", "high")


def render_texts(found: TextComparison) -> "Group":
    """Figures of each model and changes between them, for a rich console."""
    from rich.console import Group
    from rich.text import Text

    return Group(
        Text(HEADING, "bold"),
        _fitting(found.models, figure_rows(found)),
        Text(),
        _fitting(change_titles(found.changes), change_rows(found)),
        _notes(found),
    )


def render_texts_between(found: TextComparison) -> "Group":
    """Changes between two pipelines' models, whose names may be long, for a rich console."""
    from rich.console import Group
    from rich.text import Text

    (title,) = change_titles(found.changes)
    changes = _fitting(["change"], change_rows(found))
    return Group(Text(f"{HEADING}: {title}", "bold"), changes, _notes(found))


def _notes(found: TextComparison) -> "Text":
    from rich.text import Text

    return Text("\n".join(text_notes(found)), "dim")


def _fitting(titles: Sequence[str], rows: Sequence[TextRow]) -> FittingTable:
    from rich.text import Text

    return FittingTable(
        titles,
        [
            FittingRow(
                row.title, [(Text(cell.text), Text(cell.interval, "dim")) for cell in row.cells]
            )
            for row in rows
        ],
    )


def texts_csv(found: TextComparison) -> str:
    """One line per measure and model, then per measure and pair of models; shares are fractions."""
    return csv_text(TEXT_CSV_COLUMNS, text_lines(found))


def text_lines(found: TextComparison) -> Iterator[list[object]]:
    """Measure, model, the one that it is compared with (empty: the figure itself), value and interval."""
    for measure, figures in found.figures.items():
        for model, figure in zip(found.models, figures, strict=True):
            if figure is not None:
                yield [str(measure), model, "", figure.value, *_bounds(figure.interval)]
    for of in found.changes:
        for measure, figure in of.changes.items():
            yield [str(measure), of.after, of.before, figure.value, *_bounds(figure.interval)]
        equal = of.quantity_at_equal_length
        if equal.change is not None:
            name = f"{AT_EQUAL_LENGTH} at equal length"
            yield [name, of.after, of.before, equal.change, *_bounds(equal.interval)]


def _bounds(interval: Interval | None) -> list[object]:
    return [None, None] if interval is None else [interval.low, interval.high]


def texts_markdown(found: TextComparison) -> str:
    """Two Markdown tables, figures and changes, and how to read them."""
    tables = [
        _markdown(found.models, figure_rows(found)),
        _markdown(change_titles(found.changes), change_rows(found)),
    ]
    return "\n".join([*tables, " ".join(text_notes(found)), ""])


def _markdown(titles: Sequence[str], rows: Sequence[TextRow]) -> str:
    head = f"| | {' | '.join(titles)} |\n|---|{'---:|' * len(titles)}\n"
    return head + "".join(
        f"| {row.title} | {' | '.join(f'{cell.text} {cell.interval}'.rstrip() for cell in row.cells)} |\n"
        for row in rows
    )


def texts_latex(found: TextComparison) -> str:
    """A table of the figures and one of the changes for LaTeX with the package booktabs."""
    caption = latex_escaped(
        f"{HEADING} of the answers to {found.num_prompts:,} prompts. {' '.join(text_notes(found))}"
    )
    tables = (
        (found.models, figure_rows(found), caption),
        (change_titles(found.changes), change_rows(found), "The same: changes between models."),
    )
    return "\n".join(
        latex_table(("", *map(_latex, titles)), [_latex_row(row) for row in rows], caption)
        for titles, rows, caption in tables
    )


def _latex_row(row: TextRow) -> list[str]:
    cells = [
        f"{_latex(cell.text)} {{\\scriptsize {_latex(cell.interval)}}}"
        if cell.interval
        else _latex(cell.text)
        for cell in row.cells
    ]
    return [_latex(row.title), *cells]


def _latex(text: str) -> str:
    escaped = latex_escaped(text)
    for sign, command in ((MINUS, "$-$"), ("→", r"$\to$"), ("–", "--")):
        escaped = escaped.replace(sign, command)
    return escaped
