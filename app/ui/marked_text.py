"""Foreign text with some of its words marked.

Streamlit's own elements can mark words only through Markdown or HTML, neither of which may see
foreign text; so this is a component whose script puts it into text nodes.
"""

from collections.abc import Sequence
from pathlib import Path

from streamlit.components import v2

from grice_core.data.word_diff import Piece

_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
"""Of text in which something is marked; `launch/token_text.py` frames tokens besides."""
_render = v2.component(
    "grice_marked_text", html='<div class="text" tabindex="0"></div>', css=STYLE, js=_SCRIPT
)


def marked_text(pieces: Sequence[Piece], key: str) -> None:
    """Show a text; the pieces that differ are marked."""
    _render(data={"pieces": [(piece.text, piece.differs) for piece in pieces]}, key=key)
