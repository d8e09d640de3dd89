"""The rows of the Compare page's tables."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Literal

from app.text.formatting import stage_title
from app.ui.number_table import Cell
from grice_core.evaluation.comparison import CorrectedChange
from grice_core.evaluation.numbers import percent, percent_interval, points, points_interval
from grice_core.evaluation.retention import Retention
from grice_core.evaluation.table import ComparisonRow, change_style

CHANGE_TITLES = ("", "change", "p", "fixed", "broken", "still bad", "still fine", "seen")

RETENTION_TITLES = ("", "kept", "change since")

TONES: dict[str, Literal["", "good", "bad"]] = {"green": "good", "red": "bad", "": ""}
"""Of the core's colours of changes."""


def rate_rows(
    rows: Iterable[ComparisonRow], second: Sequence[ComparisonRow] = ()
) -> list[list[Cell]]:
    """Measure, rate of each model, change of the last from the first.

    Args:
        second: the same measures by the second judge, each to stand below its row; none without one.
    """
    below = {row.measure: row for row in second}
    found = []
    for row in rows:
        found.append(_rate_row(Cell(row.measure), row))
        if row.measure in below:
            found.append(_rate_row(Cell("second judge", tone="dim"), below[row.measure]))
    return found


def _rate_row(head: Cell, row: ComparisonRow) -> list[Cell]:
    rates = (Cell(percent(rate.rate), percent_interval(rate.interval)) for rate in row.rates)
    return [head, *rates, _change_cell(row.change)]


def change_blocks(
    changes: Sequence[CorrectedChange],
) -> Iterator[tuple[tuple[str, str], list[list[Cell]]]]:
    """Per pair of models: their names, and a row per measure under `CHANGE_TITLES`."""
    by_pair = groupby(changes, lambda found: (found.change.before, found.change.after))
    for names, block in by_pair:
        yield names, [_change_row(found) for found in block]


def lost_again(changes: Iterable[CorrectedChange], baseline: str) -> list[str]:
    """One phrase per measure that a stage made worse than the stage before it, beyond chance."""
    return [
        f"{stage_title(found.change.after)} lost {found.change.measure}: {points(found.change.change)} points "
        f"{points_interval(found.change.interval)} against {stage_title(found.change.before)}"
        for found in changes
        if found.change.before != baseline and change_style(found) == "red"
    ]


def retention_blocks(
    found: Sequence[Retention], changes: Iterable[CorrectedChange]
) -> Iterator[tuple[tuple[str, str], list[list[Cell]]]]:
    """Per pair of stages: their names, and a row per measure under `RETENTION_TITLES`.

    In red where the later stage made the measure worse beyond chance.
    """
    since = {(one.change.before, one.change.after, one.change.measure): one for one in changes}
    for names, block in groupby(found, lambda kept: (kept.before, kept.after)):
        yield names, [_retention_row(kept, since[(*names, kept.measure)]) for kept in block]


def _retention_row(kept: Retention, since: CorrectedChange) -> list[Cell]:
    tone: Literal["", "bad"] = "bad" if change_style(since) == "red" else ""
    share = "–" if kept.share is None else percent(kept.share)
    return [
        Cell(kept.measure, tone=tone),
        Cell(share, f"{kept.kept:,} of {kept.gained:,}", tone),
        _change_cell(since),
    ]


def _change_row(found: CorrectedChange) -> list[Cell]:
    moved = found.change.transitions
    counts = (moved.fixed, moved.broken, moved.still_violated, moved.still_fine)
    seen = "–" if found.detectable is None else f"{100 * found.detectable:.1f}"
    p_value = "<0.001" if found.p_holm < 0.001 else f"{found.p_holm:.3f}"
    numbers = (p_value, *(f"{count:,}" for count in counts), seen)
    return [Cell(found.change.measure), _change_cell(found), *map(Cell, numbers)]


def _change_cell(found: CorrectedChange) -> Cell:
    text = f"{points(found.change.change)} {found.stars}".strip()
    return Cell(text, points_interval(found.change.interval), TONES[change_style(found)])
