"""Length, endings, repetition and diversity of answers as rows of words, for every kind of table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from grice_core.evaluation.equal_length import LEAST_SHARE, EqualLengthChange
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.numbers import percent, percent_interval, points, points_interval
from grice_core.evaluation.texts import (
    AT_EQUAL_LENGTH,
    TextChange,
    TextComparison,
    TextFigure,
    TextMeasure,
)
from grice_core.formatting import number, signed

HEADING = "Length and diversity"
_TITLES = {
    TextMeasure.WORDS: "words per answer",
    TextMeasure.TOKENS: "tokens per answer",
    TextMeasure.ENDED: "ended by end-of-text",
    TextMeasure.EMPTY: "empty",
    TextMeasure.REPETITIVE: "repetitive",
}
_DIGITS = {TextMeasure.WORDS: 1, TextMeasure.TOKENS: 1}
_DIGITS_OF_DISTINCT = 3
_NOTHING = 1e-9
"""A bound this near to 0 is 0."""


@dataclass(frozen=True)
class TextCell:
    """A figure or a change."""

    text: str
    interval: str
    """Empty if there is none."""
    is_change: bool = False
    """Whether it is a change whose interval leaves out 0."""


@dataclass(frozen=True)
class TextRow:
    """A measure, and a cell per model or pair of models."""

    title: str
    cells: tuple[TextCell, ...]


def figure_rows(found: TextComparison) -> list[TextRow]:
    """A row per measure that is known of some model, a cell per model."""
    return [
        TextRow(_title(measure), tuple(_figure(measure, one) for one in figures))
        for measure, figures in found.figures.items()
        if any(figures)
    ]


def change_rows(found: TextComparison) -> list[TextRow]:
    """A row per measure, then quantity as it is and at equal length; a cell per pair of models."""
    rows = [
        TextRow(
            _title(measure), tuple(_change(measure, of.changes[measure]) for of in found.changes)
        )
        for measure in TextMeasure
        if all(measure in of.changes for of in found.changes)
    ]
    plain = tuple(_points(of.quantity) for of in found.changes)
    at_equal_length = [of.quantity_at_equal_length for of in found.changes]
    equal = tuple(map(_at_equal_length, at_equal_length))
    shares = tuple(TextCell(f"{100 * one.share:.0f} %", "") for one in at_equal_length)
    return [
        *rows,
        TextRow(f"{AT_EQUAL_LENGTH} violated", plain),
        TextRow(f"{AT_EQUAL_LENGTH} at equal length", equal),
        TextRow("answers of equal length", shares),
    ]


def change_titles(changes: Iterable[TextChange], title_of: Callable[[str], str] = str) -> list[str]:
    """`baseline → stage1`, one per pair of models."""
    return [f"{title_of(of.before)} → {title_of(of.after)}" for of in changes]


def text_notes(found: TextComparison) -> list[str]:
    """How to read the rows, and what is missing among them."""
    notes = [
        "Repetitive: a phrase of two or more words is said three times in a row. "
        "What was not ended by end-of-text was cut at the token limit."
    ]
    if found.num_drawn:
        drawn = " and ".join(
            f"{size:,} {'words' if measure.n == 1 else 'pairs of words'}"
            for measure, size in found.num_drawn.items()
        )
        notes.append(
            f"Distinct-n: different ones among {drawn}, as many from every model, since it falls as "
            "texts grow."
        )
    else:
        notes.append("Too few words to compare how varied they are (distinct-n).")
    notes.append(
        f"At equal length: change of {AT_EQUAL_LENGTH}, in points, among answers of equal length (compared in "
        "fifths of the first model's lengths, weighted alike), and the share of the first model's answers that "
        f"this rests on; below {100 * LEAST_SHARE:.0f} % nothing is said."
    )
    if found.unknown:
        missing = " and ".join(_title(measure) for measure in found.unknown)
        notes.append(
            f"Not known: {missing}; the version that evaluated these did not count. Evaluate again to see it."
        )
    notes.append(
        "Changes of shares are in points; [95 % intervals] over prompts, paired, not corrected for how many there "
        "are."
    )
    return notes


def _title(measure: TextMeasure) -> str:
    return _TITLES.get(measure, str(measure))


def _digits(measure: TextMeasure) -> int:
    return _DIGITS.get(measure, _DIGITS_OF_DISTINCT)


def _figure(measure: TextMeasure, figure: TextFigure | None) -> TextCell:
    if figure is None:
        return TextCell("–", "")
    if measure.is_share:
        return TextCell(percent(figure.value), _or_none(percent_interval, figure.interval))
    digits = _digits(measure)

    def interval(of: Interval) -> str:
        return f"[{number(of.low, digits)}, {number(of.high, digits)}]"

    return TextCell(number(figure.value, digits), _or_none(interval, figure.interval))


def _change(measure: TextMeasure, figure: TextFigure) -> TextCell:
    if measure.is_share:
        return _points(figure)
    digits = _digits(measure)

    def interval(of: Interval) -> str:
        return f"[{signed(of.low, digits)}, {signed(of.high, digits)}]"

    return TextCell(
        signed(figure.value, digits),
        _or_none(interval, figure.interval),
        _leaves_out_zero(figure.interval),
    )


def _points(figure: TextFigure) -> TextCell:
    return TextCell(
        points(figure.value),
        _or_none(points_interval, figure.interval),
        _leaves_out_zero(figure.interval),
    )


def _at_equal_length(found: EqualLengthChange) -> TextCell:
    if found.change is None:
        return TextCell("–", "")
    return _points(TextFigure(found.change, found.interval))


def _or_none(shown: Callable[[Interval], str], interval: Interval | None) -> str:
    return "" if interval is None else shown(interval)


def _leaves_out_zero(interval: Interval | None) -> bool:
    return interval is not None and (interval.low > _NOTHING or interval.high < -_NOTHING)
