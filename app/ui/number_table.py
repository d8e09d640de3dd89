"""A table of numbers: right-aligned, each with its interval below, better and worse in colour.

Streamlit's tables either read Markdown or are drawn on a canvas of fixed height; this one puts every
word into a text node. Where the screen is narrow, many columns become blocks, and what still is too wide
scrolls sideways.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from streamlit.components import v2

_HERE = Path(__file__).parent

_render = v2.component(
    "grice_number_table",
    html='<div class="scroll" tabindex="0"></div>',  # so that it can be scrolled by key
    css=(_HERE / "number_table.css").read_text(encoding="utf-8"),
    js=(_HERE / "number_table.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Cell:
    """One cell."""

    text: str
    below: str = ""
    """In small: its interval."""
    tone: Literal["", "good", "bad", "dim"] = ""
    tint: float = 0.0
    """From −1 to 1: how much of one colour, or of the opposite one, lies behind it."""
    wraps: bool = False
    """May be broken anywhere, as a path or an address that is wider than the table."""


def number_table(titles: Sequence[str], rows: Sequence[Sequence[Cell]], key: str) -> None:
    """Show rows under titles; the first column is for words, the others are for numbers."""
    cells = [[asdict(cell) for cell in row] for row in rows]
    _render(data={"titles": list(titles), "rows": cells}, key=key)
