"""The audit log: who did what, when, from where; to be filtered and taken along."""

from functools import partial

import pandas as pd
import streamlit as st

from app.state.people import who_acts, why_not
from app.state.session import studio
from app.ui.errors import guarded
from grice_core.store import audit
from grice_core.store.actors import Role
from grice_core.store.audit import AuditFilter
from grice_core.store.database import Database

_PER_PAGE = 50
_SHOWN = "audit lines"
_EVERYBODY, _EVERYTHING = "Everybody", "Everything"


@st.fragment
@guarded
def audit_view() -> None:
    """The newest lines; admins alone see them, since they say who works here and from where."""
    st.subheader("Audit log", anchor=False)
    if why_not(Role.ADMIN):
        st.caption("Only admins see it: it says who works here, and from where.")
        return
    wanted = _filter()
    num_shown = st.session_state.get(_SHOWN, _PER_PAGE)
    entries = audit.page(studio().database, wanted, limit=num_shown + 1)
    if not entries:
        st.caption("No one has changed anything yet that these filters let through.")
        return
    shown, more = entries[:num_shown], len(entries) > num_shown
    st.dataframe(
        pd.DataFrame([audit.as_record(entry) for entry in shown]),
        hide_index=True,
        column_config={
            "id": st.column_config.NumberColumn(format="%d", width="small"),
            "time": st.column_config.TextColumn("time (UTC)"),
        },
        alt="Audit log, the newest changes first",
    )
    with st.container(horizontal=True):
        if more and st.button("Show more", icon=":material/expand_more:"):
            st.session_state[_SHOWN] = num_shown + _PER_PAGE
            st.rerun(scope="fragment")
        st.download_button(
            "Download all (CSV)",
            # Called when it is pressed, outside any session: by then no one could say who asks.
            partial(_csv, studio().database.acting_as(who_acts()), wanted),
            "audit.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )


def _filter() -> AuditFilter:
    actors, actions = audit.mentioned(studio().database)
    left, right = st.columns(2)
    with left:
        who = st.selectbox("Who", [_EVERYBODY, *actors], key="audit who")
    with right:
        what = st.selectbox("What", [_EVERYTHING, *actions], key="audit what")
    return AuditFilter(
        actor="" if who == _EVERYBODY else who, action="" if what == _EVERYTHING else what
    )


def _csv(database: Database, wanted: AuditFilter) -> str:
    return audit.as_csv(audit.page(database, wanted, limit=None))
