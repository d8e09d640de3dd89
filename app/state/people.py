"""Who sits in front of the browser."""

import fnmatch

import streamlit as st

from app.state.settings import app_settings
from grice_core.account import account_name


def has_sign_in() -> bool:
    """Whether a provider of identities is configured in `.streamlit/secrets.toml`."""
    return "is_logged_in" in st.user


def signed_in_as() -> str:
    """The person's name at the sign-in; empty where no one has to sign in."""
    if not st.user.get("is_logged_in", False):
        return ""
    return str(st.user.get("email") or st.user.get("name") or st.user.get("sub") or "somebody")


def is_member() -> bool:
    """Whether the person who is signed in may work here; see `AppSettings.members`."""
    patterns = app_settings().members
    if not patterns:
        return True
    if st.user.get("email_verified", True) is False:
        return False
    email = str(st.user.get("email") or "").lower()
    return any(fnmatch.fnmatchcase(email, pattern.lower()) for pattern in patterns)


def who_asks() -> str:
    """Whom to name as the one who submits something; empty where that can't be known."""
    if has_sign_in() or not app_settings().is_private():
        return signed_in_as()
    return account_name()
