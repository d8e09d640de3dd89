"""A pair as the model sees it: special tokens framed, what is trained on marked.

Foreign text may be put neither into Markdown nor into HTML; so this is a component whose script puts it
into text nodes.
"""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.components import v2

from app.ui.marked_text import STYLE
from grice_core.dpo.shown import ShownPair, ShownPiece, visible

_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
_FRAME = """
.text {
  line-height: 1.7;
}
.special {
  border: 1px solid color-mix(in srgb, var(--st-text-color) 55%, transparent);
  border-radius: 4px;
  font-family: var(--st-code-font);
  font-size: 0.82em;
  margin: 0 1px;
  padding: 0 0.25em;
}
"""
_FORMATS = {"chat": "in the base's chat template", "plain": "as plain text"}
_render = v2.component(
    "grice_token_text", html='<div class="text" tabindex="0"></div>', css=STYLE + _FRAME, js=_SCRIPT
)


def shown_pair(shown: ShownPair, key: str) -> None:
    """Show a pair: the prompt with the chosen response, then the rejected one."""
    st.caption(
        f"Row {shown.row:,}, {_FORMATS[shown.format]}. Marked: what is trained on. Framed: special "
        "tokens. ↵: a line break."
    )
    st.caption("prompt and chosen response")
    _token_text([(shown.prompt, False), (shown.chosen, True)], key=f"{key} chosen")
    st.caption("rejected response, after the same prompt")
    _token_text([(shown.rejected, True)], key=f"{key} rejected")


def _token_text(parts: Sequence[tuple[Sequence[ShownPiece], bool]], key: str) -> None:
    _render(
        data={
            "parts": [
                {"trained": trained, "pieces": [_written(piece) for piece in pieces]}
                for pieces, trained in parts
            ]
        },
        key=key,
    )


def _written(piece: ShownPiece) -> dict[str, object]:
    text = piece.text if piece.is_special else visible(piece.text)
    return {"text": text, "is_special": piece.is_special}
