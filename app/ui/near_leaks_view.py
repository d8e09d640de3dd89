"""Evaluation prompts that are nearly, not exactly, trained on: how many, how similar, and which."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.state.comparisons import comparisons
from app.state.session import open_data
from app.text.formatting import count_of, plain_markdown
from app.ui.beside import is_soon_there, wait_for
from app.ui.marked_text import marked_text
from app.url.widgets import linked_radio
from grice_core.data.leakage import NearLeaks, near_leaks
from grice_core.data.near_duplicates import NEAR
from grice_core.data.pairs import IntArray, PairTable
from grice_core.data.word_diff import Piece, diff_words
from grice_core.store.tables import DataSet

_STEPS = (f"{NEAR:g}", "0.7", "0.6", "0.5")
"""The first one is chosen unless the link says another."""
_MOST_SHOWN = 200
_CELL = 300
_TABLE = "near leaks"


def near_leaks_view(data_set: DataSet, evaluation: DataSet) -> None:
    """A line for each prompt that is similar enough; the one that is picked stands beside its like."""
    table = open_data(data_set.artifact_sha256).table
    others = open_data(evaluation.artifact_sha256).table
    key = "near leaks", data_set.artifact_sha256, evaluation.artifact_sha256
    found = comparisons().result(key, lambda: near_leaks(others.prompts, table.prompts))
    st.markdown("**Near-duplicates**")
    if not is_soon_there(found):
        wait_for(found, "Looking for near-duplicates …")
        return
    leaks: NearLeaks = found.result()
    at_least = float(
        linked_radio(
            "Similar from",
            "similar",
            _STEPS,
            lambda step: f"{step} ({int(leaks.of_evaluation(float(step)).sum()):,})",
            help="Jaccard similarity of the sets of word triples of context and evidence; how many rows "
            "of the evaluation set have such a prompt, not the same one.",
        )
    )
    _show(leaks, at_least, table, others, plain_markdown(data_set.name))


def _show(
    leaks: NearLeaks, at_least: float, table: PairTable, others: PairTable, name: str
) -> None:
    near = leaks.of_evaluation(at_least)
    if not near.any():
        st.success(
            f"No prompt is {at_least:g} similar to one that is trained on.", icon=":material/check:"
        )
        return
    st.warning(
        f"**{count_of(int(near.sum()), 'more row')} with a prompt that is nearly one of {name}.** They stay in "
        "the evaluation, unless a launch counts near-duplicates as the same (Launch, More options; "
        "`--leakage-similarity`).",
        icon=":material/warning:",
    )
    ranked = leaks.most_similar()
    shown = ranked[near[ranked]][:_MOST_SHOWN]
    picked = st.dataframe(
        near_table(leaks, shown, table, others),
        key=_TABLE,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "similarity": st.column_config.NumberColumn(width=80, format="%.2f"),
            "row": st.column_config.NumberColumn(width=60),
            "like row": st.column_config.NumberColumn(width=70),
            "evaluation prompt": st.column_config.TextColumn(width=420),
        },
        alt="Evaluation prompts that are nearly trained on",
    )
    if len(shown) < near.sum():
        st.caption(f"The {len(shown):,} most similar.")
    rows: Sequence[int] = picked["selection"]["rows"]
    index = int(shown[min(rows[0], len(shown) - 1)] if rows else shown[0])
    _beside(others.prompts[index], table.prompts[int(leaks.evaluation.other[index])])


def near_table(
    leaks: NearLeaks, shown: IntArray, table: PairTable, others: PairTable
) -> pd.DataFrame:
    """One line per evaluation prompt: how similar to which row, and how it begins."""
    return pd.DataFrame(
        {
            "similarity": leaks.evaluation.similarity[shown],
            "row": others.rows[shown],
            "like row": table.rows[leaks.evaluation.other[shown]],
            "evaluation prompt": [others.prompts[index][:_CELL] for index in shown.tolist()],
        }
    )


def _beside(evaluation: str, training: str) -> None:
    """Both prompts, with what differs marked."""
    diff = diff_words(training, evaluation)
    sides: tuple[tuple[str, Sequence[Piece]], ...] = (
        ("Evaluation prompt", diff.right),
        ("Training prompt", diff.left),
    )
    for place, (title, pieces) in zip(st.columns(2), sides, strict=True):
        with place.container(border=True):
            st.caption(title)
            marked_text(list(pieces), key=f"near {title}")
