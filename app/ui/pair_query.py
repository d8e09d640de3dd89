"""What a user looks for among the pairs, as links write it."""

import math
from collections.abc import Sequence

from grice_core.data.explore import FILE_ORDER, MarginRange, PairQuery
from grice_core.maxims import MAXIMS, Maxim

ORDERS = (FILE_ORDER, *(maxim.value for maxim in MAXIMS))


def bar_range(maxim: Maxim, low: float, high: float) -> MarginRange:
    """The pairs of a histogram's bar, which holds its right edge where a range holds its left one."""
    first = low if low <= -1 else math.nextafter(low, math.inf)
    return MarginRange(maxim, first, math.nextafter(high, math.inf))


def margin_text(wanted: MarginRange) -> str:
    """`manner:0.3:0.32`."""
    return f"{wanted.maxim}:{wanted.low}:{wanted.high}"


def parse_margin(text: str) -> MarginRange | None:
    """The range that a link asks for, or None if it is none."""
    name, _, bounds = text.partition(":")
    low, _, high = bounds.partition(":")
    try:
        return MarginRange(Maxim(name), float(low), float(high))
    except ValueError:
        return None


def link_query(margins: Sequence[str], rows: str, problem: str) -> PairQuery:
    """The query that a link asks for; what is no query is left out."""
    ranges = (parse_margin(text) for text in margins)
    return PairQuery(
        margins=tuple(found for found in ranges if found is not None),
        rows=tuple(int(row) for row in rows.split(",") if row.strip().isdecimal()),
        problem=problem,
    )
