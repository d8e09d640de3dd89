"""The texts of a pair: prompt, and both responses with their differences marked."""

import streamlit as st

from app.ui.marked_text import marked_text
from grice_core.data.excerpts import mark_hits
from grice_core.data.pairs import PairTable
from grice_core.data.word_diff import diff_words

MAX_CHARACTERS = 20_000
"""More of a text than this is not shown."""


def pair_texts(pair: PairTable, key: str, with_prompt: bool = True, words: str = "") -> None:
    """Show a table's only pair, chosen beside rejected.

    Args:
        words: what was searched; marked in the prompt.
    """
    (prompt,), (chosen,), (rejected,) = pair.prompts, pair.chosen, pair.rejected
    if with_prompt:
        marked_text(list(mark_hits(_shortened(prompt), words)), key=f"{key} prompt")
    diff = diff_words(_shortened(chosen), _shortened(rejected))
    left, right = st.columns(2)
    with left:
        st.caption("chosen")
        marked_text(diff.left, key=f"{key} chosen")
    with right:
        st.caption("rejected")
        marked_text(diff.right, key=f"{key} rejected")
    if not diff.is_compared:
        st.caption("These responses are too long to compare word by word.")


def _shortened(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    return f"{text[:MAX_CHARACTERS]} … ({len(text) - MAX_CHARACTERS:,} more characters)"
