"""The comparison as one page that opens from a disk, without a network and without scripts."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib import resources
from itertools import groupby
from string import Template

from grice_core.evaluation.comparison import CorrectedChange
from grice_core.evaluation.interval_plot import interval_plot
from grice_core.evaluation.numbers import percent, percent_interval, points, points_interval
from grice_core.evaluation.overview import PipelineView
from grice_core.evaluation.prompt_groups import prompt_groups
from grice_core.evaluation.rendering import retention_sentences, shift_sentence
from grice_core.evaluation.table import (
    MARKS,
    ComparisonRow,
    change_style,
    how_to_read,
)
from grice_core.evaluation.text_rows import (
    TextRow,
    change_rows,
    change_titles,
    figure_rows,
    text_notes,
)
from grice_core.evaluation.texts import TextComparison
from grice_core.evaluation.true_rates import TrueRates
from grice_core.evaluation.true_rows import TrueRow, true_rows, verdict_sentence
from grice_core.evaluation.verdict import State
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.maxims import MAXIMS

MAX_ANSWERS = 200
"""Prompts whose answers are shown, those that changed most first."""
MAX_CHARACTERS = 4_000
"""More of a text than this is not shown; both limits keep the page below 5 MB."""

_TEMPLATE = resources.files(__package__) / "report.html"
_CLASSES = {"green": "good", "red": "bad", "": ""}
_CRITERION_CLASSES = {State.MET: "good", State.NOT_MET: "bad", State.UNDECIDED: "dim"}
_CHANGE_TITLES = ("", "change", "p", "fixed", "broken", "still bad", "fine", "seen")


def html_report(
    view: PipelineView, title: str, colours: Sequence[str], by_labels: TrueRates | None = None
) -> str:
    """The page.

    Args:
        view: A pipeline that was evaluated.
        title: What the pipeline is called.
        colours: One CSS colour per model.
        by_labels: The rates that gold labels correct.
    """
    models = view.stored.models
    names = [model.name for model in models]
    rows = view.rows
    first = rows[0].change
    order = prompt_groups(models)[-1].rows[:MAX_ANSWERS]
    template = Template(_TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(title),
        about=escape(
            f"Recipe {view.stored.recipe}, seed {view.stored.seed}, "
            f"{first.change.num_prompts:,} prompts"
        ),
        verdict=escape(view.verdict.sentence),
        rests_on="".join(_rests_on(by_labels, view)),
        table=_table(("", *names, "change"), [_rate_row(row) for row in rows])
        + "".join(_second_judge(view, names)),
        how_to_read=escape(how_to_read(first.num_tests)),
        corrected="".join(_corrected(by_labels, names)),
        criteria="".join(
            f'<li data-mark="{MARKS[found.state]}" class="{_CRITERION_CLASSES[found.state]}">'
            f"{escape(found.sentence)}</li>"
            for found in view.verdict.criteria
        ),
        legend="".join(
            f'<span><i style="background: {escape(colour)}"></i>{escape(name)}</span>'
            for name, colour in zip(names, colours, strict=True)
        ),
        plot=interval_plot(names, rows, colours),
        remarks="".join(f"<p>{escape(remark)}</p>" for remark in _remarks(view)),
        changes="".join(_change_tables(view.changes)),
        texts="".join(_text_tables(view.texts)),
        text_notes=escape(" ".join(text_notes(view.texts))),
        about_answers=f"{len(order):,} of {len(models[0].prompts):,} prompts, those whose answer "
        "changed most first. Scores are violation probabilities; ✗ marks a violation.",
        answers="".join(_answers(models, row) for row in order.tolist()),
    )


def _second_judge(view: PipelineView, names: Sequence[str]) -> Iterator[str]:
    """Where the training judge was fooled, and the table of rates by the second judge."""
    second = view.stored.second
    if second is None:
        return
    for alarm in view.alarms:
        yield f'<p class="bad">✗ {escape(alarm.sentence())}</p>'
    yield f"<h3>By the second judge: {escape(second.origin)}, fingerprint {escape(second.fingerprint[:16])}</h3>"
    yield _table(("", *names, "change"), [_rate_row(row) for row in view.second_rows])


def _rests_on(by_labels: TrueRates | None, view: PipelineView) -> Iterator[str]:
    if by_labels is not None:
        yield f'<p class="rests-on">{escape(verdict_sentence(by_labels, view.stored))}</p>'


def _corrected(by_labels: TrueRates | None, names: Sequence[str]) -> Iterator[str]:
    """The table of rates that gold labels correct, and how to read it."""
    if by_labels is None or not by_labels.rates:
        return
    rows = [_corrected_row(row) for row in true_rows(by_labels, names)]
    yield f"<h3>Corrected by {by_labels.num_judgements:,} judgements</h3>"
    yield f'<div class="wide">{_table(("", *names, "change"), rows)}</div>'
    yield f'<p class="dim">{escape(by_labels.note)}</p>'


def _corrected_row(row: TrueRow) -> list[str]:
    *rates, change = row.words()
    cells = [_cell(*pair) for pair in rates]
    return [f"<td>{escape(row.measure)}</td>", *cells, _cell(*change, _CLASSES[row.colour])]


def _remarks(view: PipelineView) -> Iterator[str]:
    yield from retention_sentences(view.retention)
    yield from map(shift_sentence, view.stored.preference_shifts)
    for warning in view.stored.document["warnings"]:
        yield f"! {warning}"
    for warning in view.stored.second.warnings if view.stored.second else ():
        yield f"! Second judge: {warning}"


def _rate_row(row: ComparisonRow) -> list[str]:
    cells = [_cell(percent(rate.rate), percent_interval(rate.interval)) for rate in row.rates]
    return [f"<td>{escape(row.measure)}</td>", *cells, _change_cell(row.change)]


def _change_tables(changes: Iterable[CorrectedChange]) -> Iterator[str]:
    blocks = groupby(changes, lambda found: (found.change.before, found.change.after))
    for (before, after), block in blocks:
        yield f"<h3>{escape(before)} → {escape(after)}</h3>"
        yield _table(_CHANGE_TITLES, [_change_row(found) for found in block])


def _text_tables(found: TextComparison) -> Iterator[str]:
    for titles, rows in (
        (found.models, figure_rows(found)),
        (change_titles(found.changes), change_rows(found)),
    ):
        yield _table(("", *titles), [_text_row(row) for row in rows])


def _text_row(row: TextRow) -> list[str]:
    cells = (_cell(cell.text, cell.interval) for cell in row.cells)
    return [f"<td>{escape(row.title)}</td>", *cells]


def _change_row(found: CorrectedChange) -> list[str]:
    moved = found.change.transitions
    counts = (moved.fixed, moved.broken, moved.still_violated, moved.still_fine)
    seen = "–" if found.detectable is None else f"{100 * found.detectable:.1f}"
    p_value = "&lt;0.001" if found.p_holm < 0.001 else f"{found.p_holm:.3f}"
    numbers = [p_value, *(f"{count:,}" for count in counts), seen]
    return [
        f"<td>{escape(found.change.measure)}</td>",
        _change_cell(found),
        *(f"<td>{number}</td>" for number in numbers),
    ]


def _change_cell(found: CorrectedChange) -> str:
    text = f"{points(found.change.change)} {found.stars}".strip()
    return _cell(text, points_interval(found.change.interval), _CLASSES[change_style(found)])


def _cell(number: str, interval: str, css_class: str = "") -> str:
    return f'<td class="{css_class}">{escape(number)}<small>{escape(interval)}</small></td>'


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _answers(models: Sequence[EvaluatedModel], row: int) -> str:
    answers = "".join(
        f"<div><b>{escape(model.name)}</b> {_scores(model, row)}"
        f'<div class="text">{_text(model.responses[row])}</div></div>'
        for model in models
    )
    return (
        f'<div class="text dim">{_text(models[0].prompts[row])}</div>'
        f'<div class="answers">{answers}</div>'
    )


def _scores(model: EvaluatedModel, row: int) -> str:
    text = ", ".join(
        f"{maxim} {model.scores[row, maxim.column]:.2f}"
        f"{' ✗' if model.violated[row, maxim.column] else ''}"
        for maxim in MAXIMS
    )
    return f"<small>{text}</small>"


def _text(text: str) -> str:
    return escape(text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]} …")
