"""Rates with their intervals as a drawing that needs no script: SVG."""

from collections.abc import Iterator, Sequence
from html import escape

from grice_core.evaluation.numbers import percent, percent_interval
from grice_core.evaluation.rates import Rate
from grice_core.evaluation.table import ComparisonRow

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 96, 16, 8, 28
_LINE, _GAP = 14, 14
"""Pixels between two models of a measure, and between two measures."""


def interval_plot(
    names: Sequence[str], rows: Sequence[ComparisonRow], colours: Sequence[str]
) -> str:
    """A row per measure, a dot with its 95 % interval per model.

    Args:
        names: The models' names.
        rows: From `comparison_rows`.
        colours: One CSS colour per model.
    """
    height_of_row = _LINE * len(names) + _GAP
    height = _TOP + height_of_row * len(rows) + _BOTTOM
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Rates with 95 % intervals">',
        *_axis(height),
    ]
    for number, row in enumerate(rows):
        top = _TOP + height_of_row * number
        middle = top + height_of_row / 2
        parts.append(
            f'<text x="{_LEFT - 12}" y="{middle:.1f}" text-anchor="end" '
            f'dominant-baseline="central">{escape(row.measure)}</text>'
        )
        for place, (name, rate, colour) in enumerate(zip(names, row.rates, colours, strict=True)):
            parts += _dot(name, rate, colour, y=top + _GAP / 2 + _LINE * (place + 0.5))
    return "\n".join([*parts, "</svg>"])


def _axis(height: int) -> Iterator[str]:
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = _x(share)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{height - _BOTTOM}"/>'
        yield (
            f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle">{100 * share:.0f} %</text>'
        )


def _dot(name: str, rate: Rate, colour: str, y: float) -> Iterator[str]:
    colour = escape(colour)
    text = f"{name}: {percent(rate.rate)} {percent_interval(rate.interval)}"
    yield f"<g><title>{escape(text)}</title>"
    yield (
        f'<line x1="{_x(rate.interval.low):.1f}" x2="{_x(rate.interval.high):.1f}" '
        f'y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}" stroke-width="2"/>'
    )
    yield f'<circle cx="{_x(rate.rate):.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/></g>'


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
