"""The comparison for other programs: CSV, a table for a paper, one for a model card."""

from collections.abc import Iterator, Sequence

from grice_core.csv_text import csv_text
from grice_core.evaluation.comparison import CorrectedChange
from grice_core.evaluation.endings import endings
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.numbers import percent, percent_interval, points, points_interval
from grice_core.evaluation.overview import PipelineView
from grice_core.evaluation.rates import Rate, few_prompts, model_rates
from grice_core.evaluation.second_judge import SECOND_JUDGE, TRAINING_JUDGE
from grice_core.evaluation.table import ComparisonRow, comparison_rows, how_to_read
from grice_core.evaluation.true_rates import TrueRates
from grice_core.evaluation.true_rows import TrueRow, true_rows
from grice_core.evaluation.violations import MEASURES, EvaluatedModel
from grice_core.formatting import MINUS

CSV_COLUMNS = (
    "measure",
    "model",
    "count",
    "num_responses",
    "rate",
    "rate_low",
    "rate_high",
    "compared_with",
    "change",
    "change_low",
    "change_high",
    "p_holm",
    "fixed",
    "broken",
    "still_violated",
    "still_fine",
    "judge",
)

_BELOW = "\\quad {}"
"""Heads a row that says of the same measure what another judge does."""

_ESCAPED = {sign: f"\\{sign}" for sign in "_&%#${}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def comparison_csv(view: PipelineView) -> str:
    """One line per measure, model, model that it is compared with, and judge; rates are fractions."""
    stored = view.stored
    rows = [*_csv_rows(stored.models, view.changes, TRAINING_JUDGE)]
    if stored.second is not None:
        rows += _csv_rows(stored.second.models, stored.second.changes(), SECOND_JUDGE)
    return csv_text(CSV_COLUMNS, rows)


def _csv_rows(
    models: Sequence[EvaluatedModel], changes: Sequence[CorrectedChange], judge: str
) -> Iterator[list[object]]:
    rates = {model.name: model_rates(model) for model in models}
    baseline = models[0].name
    for measure in MEASURES:
        yield [measure, baseline, *_rate_fields(rates[baseline][measure]), *[""] * 9, judge]
        for found in changes:
            if found.change.measure == measure:
                rate = rates[found.change.after][measure]
                yield [
                    measure,
                    found.change.after,
                    *_rate_fields(rate),
                    found.change.before,
                    *_change_fields(found),
                    judge,
                ]


def _rate_fields(rate: Rate) -> list[object]:
    return [rate.count, rate.num_responses, rate.rate, rate.interval.low, rate.interval.high]


def _change_fields(found: CorrectedChange) -> list[object]:
    change, moved = found.change, found.change.transitions
    return [
        change.change,
        change.interval.low,
        change.interval.high,
        found.p_holm,
        moved.fixed,
        moved.broken,
        moved.still_violated,
        moved.still_fine,
    ]


def comparison_latex(view: PipelineView, by_labels: TrueRates | None = None) -> str:
    """A table environment for LaTeX with the package booktabs; rates in percent.

    Args:
        by_labels: the rates that gold labels correct, each below its measure's, as the second judge's are.
    """
    models = view.stored.models
    rows = comparison_rows(models, view.changes)
    second = {row.measure: row for row in view.second_rows}
    names = [model.name for model in models]
    corrected = {row.measure: row for row in (true_rows(by_labels, names) if by_labels else ())}
    titles = ["", *map(latex_escaped, names), "change"]
    cells = []
    for row in rows:
        cells.append([row.measure, *_latex_cells(row)])
        if row.measure in second:
            cells.append([_BELOW.format("second judge"), *_latex_cells(second[row.measure])])
        if row.measure in corrected:
            cells.append([_BELOW.format("corrected"), *_latex_corrected(corrected[row.measure])])
    of_one = len(cells) // len(rows)
    return latex_table(titles, cells, _caption(view, rows, by_labels), apart=of_one)


def latex_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], caption: str, apart: int = 0
) -> str:
    """A table environment for LaTeX with the package booktabs, of cells that are LaTeX already.

    Args:
        apart: So many last rows stand below a rule.
    """
    lines = [f"    {' & '.join(row)} \\\\" for row in (titles, *rows)]
    lines.insert(1, "    \\midrule")
    if apart:
        lines.insert(-apart, "    \\midrule")
    body = "\n".join(lines)
    return (
        "% needs \\usepackage{booktabs}\n"
        "\\begin{table}\n"
        "  \\centering\n"
        f"  \\caption{{{caption}}}\n"
        "  \\footnotesize\n"
        "  \\setlength{\\tabcolsep}{4pt}\n"
        f"  \\begin{{tabular}}{{l{'r' * (len(titles) - 1)}}}\n"
        "    \\toprule\n"
        f"{body}\n"
        "    \\bottomrule\n"
        "  \\end{tabular}\n"
        "\\end{table}\n"
    )


def _caption(view: PipelineView, rows: Sequence[ComparisonRow], by_labels: TrueRates | None) -> str:
    first = rows[0].change
    notes = [
        f"Violation rates and cooperative rate in percent with 95\\,\\% Wilson intervals, recipe "
        f"{latex_escaped(view.stored.recipe)}, seed {view.stored.seed}, {first.change.num_prompts:,} "
        "prompts. Change: last stage from baseline in points with a paired bootstrap interval; "
        "$^{*}$ $p<0.05$, $^{**}$ $p<0.01$, $^{***}$ $p<0.001$ (exact paired tests, Holm-corrected "
        f"over {first.num_tests})."
    ]
    if view.stored.second is not None:
        notes.append(
            "By the judge that scored the training pairs; second judge: "
            f"{latex_escaped(view.stored.second.origin)}, whose scores training did not see."
        )
    if by_labels is not None and by_labels.rates:
        looks = ", valid at every look" if by_labels.at_every_look else ""
        notes.append(
            f"Corrected: by {by_labels.num_judgements:,} gold labels, prediction-powered, with 95\\,\\% "
            f"intervals{looks}."
        )
    return " ".join(notes)


def _latex_cells(row: ComparisonRow) -> list[str]:
    rates = [f"{100 * rate.rate:.1f} {_latex_interval(rate.interval)}" for rate in row.rates]
    change = row.change.change
    stars = f"^{{{row.change.stars}}}" if row.change.stars else ""
    return [*rates, _latex_change(change.change, change.interval, stars)]


def _latex_corrected(row: TrueRow) -> list[str]:
    """What labels correct; a dash where there are too few."""
    cells = [
        "--" if one is None else f"{100 * one.value:.1f} {_latex_interval(one.interval)}"
        for one in row.rates
    ]
    change = row.change
    return [*cells, "--" if change is None else _latex_change(change.value, change.interval)]


def _latex_change(change: float, interval: Interval, stars: str = "") -> str:
    low, high = _latex_points(interval.low), _latex_points(interval.high)
    return f"{_latex_points(change, stars)} {{\\scriptsize [{low}, {high}]}}"


def _latex_interval(interval: Interval) -> str:
    return f"{{\\scriptsize [{100 * interval.low:.1f}, {100 * interval.high:.1f}]}}"


def _latex_points(difference: float, stars: str = "") -> str:
    return f"${points(difference).replace(MINUS, '-')}{stars}$"


def latex_escaped(text: str) -> str:
    """Text in which no sign is a command."""
    return "".join(_ESCAPED.get(sign, sign) for sign in text)


def comparison_markdown(
    models: Sequence[EvaluatedModel], changes: Sequence[CorrectedChange]
) -> str:
    """A Markdown table of rates and of the last model's changes, and a line that says how to read it.

    Args:
        models: The baseline, then each stage.
        changes: All that were tested together; the last model's from the baseline are among them.
    """
    rows = comparison_rows(models, changes)
    titles = " | ".join(["", *(model.name for model in models), "change"])
    body = "".join(_markdown_row(row) for row in rows)
    return (
        f"|{titles} |\n|---|{'---:|' * (len(models) + 1)}\n{body}\n"
        f"{' '.join([*endings(models), *few_prompts(models), _starred(how_to_read(rows[0].change.num_tests))])}\n"
    )


def _markdown_row(row: ComparisonRow) -> str:
    rates = [f"{percent(rate.rate)} {percent_interval(rate.interval)}" for rate in row.rates]
    change = row.change.change
    cell = (
        f"{points(change.change)} {points_interval(change.interval)} {_starred(row.change.stars)}"
    )
    return f"| {' | '.join([row.measure, *rates, cell.rstrip()])} |\n"


def _starred(text: str) -> str:
    """Stars that stay stars where Markdown is read."""
    return text.replace("*", r"\*")
