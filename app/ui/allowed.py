"""Widgets that change something are disabled, with the reason, for who may not use them.

What is shown here is a courtesy: the store refuses whatever is asked of it nevertheless.
"""

from typing import TypedDict

from app.state.people import why_not
from app.text.formatting import plain_markdown, sentence
from grice_core.store.actions import Target
from grice_core.store.actors import Role


class Allowed(TypedDict):
    """Two arguments of most widgets of Streamlit."""

    disabled: bool
    help: str | None


def allowed(
    *,
    needs: Role = Role.MEMBER,
    target: Target | None = None,
    unless: bool = False,
    explained: str | None = None,
) -> Allowed:
    """Whether a widget can be used, and its tooltip: why not, or else what it does.

    Args:
        unless: something else stands in the way, which `explained` says.
    """
    reason = why_not(needs, target)
    said = plain_markdown(sentence(reason)) if reason else explained
    return {"disabled": bool(reason) or unless, "help": said}
