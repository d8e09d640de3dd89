"""What an identity provider says about a person, and which role that gives them here."""

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any

from app.state.settings import AppSettings
from grice_core.store.actors import Role

_GROUP = "group:"
_MAX_NAME = 200


def role_of(claims: Mapping[str, Any], wanted: AppSettings) -> Role | None:
    """The highest role that a person who is signed in has; None: they may not come in.

    Where neither admins nor viewers are named, anyone who may sign in may do everything.
    """
    if not wanted.admins and not wanted.viewers:
        may_enter = not wanted.members or _is_among(claims, wanted.members)
        return Role.ADMIN if may_enter else None
    named = (
        (Role.ADMIN, wanted.admins),
        (Role.MEMBER, wanted.members),
        (Role.VIEWER, wanted.viewers),
    )
    return next((role for role, patterns in named if _is_among(claims, patterns)), None)


def name_of(claims: Mapping[str, Any]) -> str:
    """What a person is called in everything they do; no two persons have the same.

    Without an address it is the provider's number for them, since anyone may choose a name.
    """
    if email := claims.get("email"):
        return str(email)[:_MAX_NAME]
    number, name = claims.get("sub"), claims.get("name")
    return (
        f"{name} ({number})"[-_MAX_NAME:] if name and number else str(number or name or "somebody")
    )


def _is_among(claims: Mapping[str, Any], patterns: Iterable[str]) -> bool:
    # Some providers say so in a string.
    if str(claims.get("email_verified", True)).lower() == "false":
        return False
    email, groups = str(claims.get("email") or "").lower(), _groups(claims)
    return any(
        pattern.removeprefix(_GROUP) in groups
        if pattern.startswith(_GROUP)
        else fnmatch.fnmatchcase(email, pattern.lower())
        for pattern in patterns
    )


def _groups(claims: Mapping[str, Any]) -> set[str]:
    found = claims.get("groups") or ()
    return {found} if isinstance(found, str) else {str(group) for group in found}
