"""Pairs one a line, as they are read: what differs between prompts, hits of a search marked.

A component of our own, since Streamlit's tables can't mark words and show a text on one line only.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components import v2

from app.text.formatting import signed
from grice_core.data.excerpts import Frame, excerpt
from grice_core.data.pairs import TEXT_FIELDS, PairTable
from grice_core.maxims import MAXIMS

_HERE = Path(__file__).parent
_PROMPT, _RESPONSE = 220, 260
"""Characters of a text that are shown."""
_WORSE = -0.1
"""Below this, a margin stands out: the pair teaches the opposite."""

_render = v2.component(
    "grice_pair_rows",
    html='<div class="scroll"><table aria-label="Matching pairs"></table></div>',
    css=(_HERE / "pair_rows.css").read_text(encoding="utf-8"),
    js=(_HERE / "pair_rows.js").read_text(encoding="utf-8"),
)


def pair_rows(
    pairs: PairTable,
    frame: Frame,
    words: str,
    *,
    shown: int,
    marked: Collection[int],
    on_pick: Callable[[int], None],
    key: str,
) -> None:
    """Show pairs, one a line.

    Args:
        frame: what all prompts share, which is left out.
        words: what was searched; marked wherever it stands.
        shown: row of the pair that is shown below.
        marked: rows that are marked for exclusion.
        on_pick: called with the row of a pair that was picked, before the page runs again.
    """

    def picked() -> None:
        on_pick(int(st.session_state[key].picked))

    lines = [
        line_of(pairs.take([index]), frame, words)
        | {"is_shown": row == shown, "is_marked": row in marked}
        for index, row in enumerate(pairs.rows.tolist())
    ]
    titles = ["row", *TEXT_FIELDS, *(maxim.value for maxim in MAXIMS)]
    _render(data={"titles": titles, "pairs": lines}, key=key, on_picked_change=picked)


def line_of(pair: PairTable, frame: Frame, words: str) -> dict[str, Any]:
    """What a line says of a table's only pair."""
    (prompt,), (chosen,), (rejected,) = pair.prompts, pair.chosen, pair.rejected
    differing = frame.inside(prompt)
    is_hit_outside = bool(words) and words.casefold() not in differing.casefold()
    shown = prompt if is_hit_outside and words.casefold() in prompt.casefold() else differing
    return {
        "row": int(pair.rows[0]),
        "prompt": _pieces(shown, words, _PROMPT, keep_end=True),
        "chosen": _pieces(chosen, words, _RESPONSE),
        "rejected": _pieces(rejected, words, _RESPONSE),
        "margins": [
            _margin(maxim.value, float(pair.margins[0, maxim.column]), bool(pair.scored[0]))
            for maxim in MAXIMS
        ],
    }


def _pieces(text: str, words: str, limit: int, *, keep_end: bool = False) -> list[tuple[str, bool]]:
    found = excerpt(text, words, limit, keep_end=keep_end)
    return [(piece.text, piece.differs) for piece in found]


def _margin(maxim: str, margin: float, is_scored: bool) -> dict[str, str]:
    if not is_scored:
        return {"maxim": maxim, "text": "–", "tone": "dim"}
    tone = "bad" if margin < _WORSE else ("dim" if abs(margin) < -_WORSE else "")
    return {"maxim": maxim, "text": signed(margin), "tone": tone}
