"""Old pipelines: which a rule lets go, what that frees, and a button that removes them."""

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from app.state.run_queue import run_queue
from app.text.formatting import count_of, size
from app.ui.allowed import allowed
from app.ui.errors import failures_shown
from grice_core.store.actors import Role
from grice_core.store.references import Collected
from grice_core.store.retention import Retention
from worker.client import CleanupPlan

_PLAN, _DONE = "retention plan", "retention done"
_DAY_S = 86_400.0


def retention_view() -> None:
    """Look first, then remove."""
    st.subheader("Old pipelines", anchor=False)
    st.caption(
        "Removes finished pipelines that neither rule keeps, for good. Whatever the rules: pipelines with a "
        "tag, a note or people's judgements stay, and so do all data sets, detectors and recipes."
    )
    with failures_shown():
        rules = _rules()
        planned = st.session_state.get(_PLAN)
        if planned is not None and planned.pipelines.rules == rules:
            _show(planned)
        elif st.button("Find old pipelines", icon=":material/search:"):
            st.session_state[_PLAN] = run_queue().cleanup.plan(rules)
            st.session_state.pop(_DONE, None)
            st.rerun()
        _say_done()


def _rules() -> Retention:
    left, right = st.columns(2)
    with left:
        days = st.number_input(
            "Keep what ended in the last … days", 1, 36_500, 90, key="retention days"
        )
    with right:
        newest = st.number_input("Keep the newest …", 1, 100_000, 20, key="retention newest")
    return Retention(younger_than_s=days * _DAY_S, newest=newest)


def _show(planned: CleanupPlan) -> None:
    expired = planned.pipelines.expired
    kept = ", ".join(f"{number:,} {reason}" for reason, number in planned.pipelines.kept.items())
    if not expired:
        st.text(f"No old pipelines. Kept: {kept}." if kept else "No pipelines.")
        return
    rows = [
        {
            "pipeline": one.id,
            "name": one.name,
            "ended": datetime.fromtimestamp(one.ended_at, UTC).date().isoformat(),
            "started by": one.started_by or "–",
        }
        for one in expired
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Pipelines that the rules let go")
    if kept:
        st.caption(f"Kept: {kept}.")
    can = allowed(needs=Role.ADMIN)
    if st.button(f"Remove {_amount(len(expired), planned.files)}", icon=":material/delete:", **can):
        st.session_state[_DONE] = run_queue().cleanup.carry_out(planned)
        st.session_state.pop(_PLAN)
        st.rerun()


def _say_done() -> None:
    done = st.session_state.get(_DONE)
    if done is not None:
        st.success(f"Removed {_amount(*done)}.")


def _amount(num_pipelines: int, files: Collected) -> str:
    return (
        f"{count_of(num_pipelines, 'pipeline')}; {count_of(files.num_files, 'file')}, "
        f"{size(files.size_bytes)}"
    )
