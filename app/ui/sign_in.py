"""Sign-in: required where others can reach the dashboard."""

import streamlit as st

from app.state.people import has_sign_in, role, signed_in_as
from app.state.run_queue import run_queue
from app.text.formatting import plain_markdown


def let_in() -> bool:
    """Whether this person may see the pages; else the sign-in is shown instead."""
    if not has_sign_in():
        return True
    if not st.user.get("is_logged_in", False):
        st.title("Grice Studio", anchor=False)
        st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login)
        return False
    if role() is None:
        st.title("Grice Studio", anchor=False)
        st.error(
            f"You are signed in as {plain_markdown(signed_in_as())}, but not a member of this studio. Ask its "
            "administrator to add you to GRICE_MEMBERS or GRICE_VIEWERS.",
            icon=":material/block:",
        )
        st.button("Sign out", icon=":material/logout:", on_click=st.logout)
        return False
    return True


def note_presence() -> None:
    """Let the others know that this person has a page open."""
    if person := signed_in_as():
        run_queue().visitors.say_is_here(person)
