"""From anywhere on the Data page to some of its pairs."""

from collections.abc import Sequence

from app.url import params
from app.url.widgets import PAGE

VIEW = "view"
PAIRS = "Pairs"
_FILTERS = ("margin", "rows", "problem")


def show_pairs(**filters: str | Sequence[str]) -> None:
    """Look at the pairs that these filters let through, and at no others.

    Called before the page runs again, since some of the widgets that show them have been sent by then.
    """
    first_page()
    for name in _FILTERS:
        params.put(name, filters.get(name, ""))
    params.put(VIEW, PAIRS)


def first_page() -> None:
    """Begin with the first of the pairs that are found, none of them picked."""
    params.drop(PAGE, "pair")


def rows_text(rows: Sequence[int]) -> str:
    """`3,14,15`, as links write it."""
    return ",".join(map(str, rows))
