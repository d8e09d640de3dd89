"""Who sits in front of the browser, and what they may do."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.state.roles import name_of, role_of
from app.state.settings import app_settings
from grice_core.account import account_name
from grice_core.errors import NotAllowedError
from grice_core.store.actions import Target, refusal
from grice_core.store.actors import Actor, Role


def has_sign_in() -> bool:
    """Whether a provider of identities is configured in `.streamlit/secrets.toml`."""
    return "is_logged_in" in st.user


def signed_in_as() -> str:
    """The person's name at the sign-in; empty where no one has to sign in."""
    return name_of(st.user.to_dict()) if st.user.get("is_logged_in", False) else ""


def role() -> Role | None:
    """The person's role; None: they have not signed in, or may not come in."""
    if not has_sign_in():
        return Role.ADMIN
    if not st.user.get("is_logged_in", False):
        return None
    return role_of(st.user.to_dict(), app_settings())


def who_asks() -> str:
    """Whom to name as the one who does something; empty where that can't be known."""
    if has_sign_in() or not app_settings().is_private():
        return signed_in_as()
    return account_name()


def who_acts() -> Actor:
    """The person whom this run of a page, part or callback is for.

    Raises:
        NotAllowedError: no one who may do anything here.
    """
    has = role() if get_script_run_ctx(suppress_warning=True) else None
    if has is None:
        raise NotAllowedError("you are not signed in as a member of this studio; sign in again")
    address = st.context.ip_address
    return Actor(who_asks(), has, f"dashboard, {address}" if address else "dashboard")


def why_not(needs: Role = Role.MEMBER, target: Target | None = None) -> str:
    """Why the person may not do something, as the store would say it; empty if they may."""
    return refusal(who_acts(), needs, target)
