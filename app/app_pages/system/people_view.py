"""Who may work here, and who does."""

import streamlit as st

from app.state.people import has_sign_in, signed_in_as, who_acts
from app.state.run_queue import run_queue
from app.state.settings import app_settings
from grice_core.store.actors import Role

_ROLES = {
    Role.ADMIN: "an admin: you may do everything",
    Role.MEMBER: "a member: you may add, launch and ask, and change what you started",
    Role.VIEWER: "a viewer: you see everything and change nothing",
}


def people_view() -> None:
    """Who is signed in, or why no one has to be."""
    st.subheader("People", anchor=False)
    if not has_sign_in():
        is_private = app_settings().is_private()
        reason = (
            "only this machine can reach the dashboard"
            if is_private
            else (
                "GRICE_ANYBODY_MAY_USE_IT is set: anyone who can reach this address has full access"
            )
        )
        st.caption(f"No sign-in: {reason}.")
        return
    here = run_queue().visitors.here()
    for person in sorted({signed_in_as(), *here}):
        st.text(f"{person}{' (you)' if person == signed_in_as() else ''}")
    st.caption(f"Signed in, with a page open now. You are {_ROLES[who_acts().role]}.")
    st.button("Sign out", icon=":material/logout:", on_click=st.logout)
