"""Counts that filter: how many of the pairs found are better or worse on a maxim, or have a problem."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from app.app_pages.data.findings_view import in_words
from app.ui.pair_query import margin_text
from app.ui.shown_pairs import first_page
from app.url import params
from grice_core.data.explore import MarginRange
from grice_core.data.pairs import FloatArray
from grice_core.data.report import Severity
from grice_core.maxims import MAXIMS, Maxim

BEYOND = 0.1
"""A margin that is farther from 0 counts as better or worse."""


def facets(margins: FloatArray, problems: Sequence[dict[str, Any]]) -> None:
    """A button per count, which shows these pairs only.

    Args:
        margins: (N, 4) of the pairs that are found.
        problems: those of the data set as a whole.
    """
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption("Show only:", width="content")
        for maxim, word, wanted, count in counts(margins):
            st.button(
                f"{maxim} {word} · {count:,}",
                key=f"facet {maxim} {word}",
                type="tertiary",
                on_click=_narrow,
                args=(margin_text(wanted),),
                help=f"Only pairs whose chosen response is {word} on {maxim} by more than {BEYOND}.",
            )
        for problem in problems:
            if problem["severity"] == Severity.WARNING:
                st.button(
                    f"{in_words(problem['code'])} · {problem['count']:,}",
                    key=f"facet {problem['code']}",
                    type="tertiary",
                    on_click=_only_problem,
                    args=(problem["code"],),
                )


def counts(margins: FloatArray) -> list[tuple[Maxim, str, MarginRange, int]]:
    """Per maxim and direction how many of (N, 4) margins lie there; without those where none does."""
    # A range holds its lower end, which "more than" does not.
    above = float(np.nextafter(BEYOND, 1))
    found = []
    for maxim in MAXIMS:
        column = margins[:, maxim.column]
        better = MarginRange(maxim, above, 1.0), int((column > BEYOND).sum())
        worse = MarginRange(maxim, -1.0, -BEYOND), int((column < -BEYOND).sum())
        for word, (wanted, count) in (("better", better), ("worse", worse)):
            if 0 < count < len(margins):
                found.append((maxim, word, wanted, count))
    return found


def _narrow(text: str) -> None:
    first_page()
    params.put("margin", [*(one for one in params.get_all("margin") if one != text), text])


def _only_problem(code: str) -> None:
    first_page()
    params.put("problem", code)
