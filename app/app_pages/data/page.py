"""Data: what is in it, and can I trust it?"""

from collections.abc import Sequence

import streamlit as st

from app.app_pages.data.add_pairs import add_pairs
from app.app_pages.data.conflicts import conflicts
from app.app_pages.data.data_actions import data_actions
from app.app_pages.data.duplicates import duplicates
from app.app_pages.data.excluded_view import EXCLUDED, excluded_view, made_from
from app.app_pages.data.explorer import explorer
from app.app_pages.data.report_view import report_view
from app.state.pending_uploads import pending_uploads
from app.state.session import choose_data_set, known_data_sets, open_data
from app.text.formatting import count_of
from app.ui.distributions import distributions
from app.ui.leakage_view import leakage_view
from app.ui.page import Page
from app.ui.shown_pairs import PAIRS, VIEW
from app.url.widgets import linked_segments
from grice_core.registry import holds_prompts_alone
from grice_core.store.tables import DataSet

_VIEWS = ("Report", PAIRS, "Distributions", "Conflicts", "Duplicates", "Leakage", EXCLUDED)


def show() -> None:
    """The page."""
    st.title("Data")
    # A place of its own: what stands below would be made anew, and a drawer close, when the sentence goes.
    with st.container():
        if added := st.session_state.pop("added", None):
            st.success(added, icon=":material/check:")
    known = known_data_sets()
    if not known:
        st.markdown("Upload preference pairs and explore them.")
        add_pairs()
        return
    data_set = choose_data_set(known)
    with st.expander("Add pairs", icon=":material/upload:", expanded=bool(pending_uploads())):
        add_pairs()
    st.markdown(summary_of(data_set))
    if origin := made_from(data_set):
        st.caption(origin)
    data_actions(data_set)
    _show_view(linked_segments("View", VIEW, _VIEWS), data_set, known)


def summary_of(data_set: DataSet) -> str:
    """What a data set holds, in one sentence."""
    if holds_prompts_alone(data_set):
        return f"**{data_set.num_usable:,}** prompts without responses, to evaluate on."
    unscored = data_set.num_usable - data_set.num_scored
    scored = "all scored" if not unscored else f"{unscored:,} unscored"
    return f"**{data_set.num_usable:,}** usable of {count_of(data_set.num_rows, 'row')}, {scored}."


def _show_view(view: str, data_set: DataSet, known: Sequence[DataSet]) -> None:
    if view == "Report":
        report_view(data_set)
    elif view == PAIRS:
        explorer(data_set)
    elif view == EXCLUDED:
        excluded_view(data_set)
    elif view == "Leakage":
        leakage_view(data_set, known)
    elif view == "Duplicates":
        duplicates(data_set.artifact_sha256)
    elif not data_set.num_scored:
        st.info("None of the pairs is scored, so there are no margins yet.")
    elif view == "Distributions":
        distributions(open_data(data_set.artifact_sha256))
    else:
        conflicts(open_data(data_set.artifact_sha256))


PAGE = Page("Data", ":material/table_rows:", 2, show)
