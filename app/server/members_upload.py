"""Only members may send the dashboard files.

Streamlit takes a file from anyone who has a page open, and anyone who sees the sign-in has one: without this
a stranger could fill the memory.
"""

import json
from collections.abc import Mapping
from typing import Any

from app.server.own_pages_only import Application, Message, Receive, Send, refuse
from app.state.roles import role_of
from app.state.settings import AppSettings
from grice_core.store.actors import Role

_UPLOAD = "/_stcore/upload_file/"
_REFUSAL = "Sign in as a member or an admin to send files.\n"


class MembersUpload:
    """Passes files on from members and admins, known by the cookie of their sign-in; refuses others' with 403."""

    def __init__(self, app: Application, settings: AppSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        is_upload = scope["type"] == "http" and _UPLOAD in scope["path"]
        if is_upload and scope["method"] != "OPTIONS" and not self._may_send(scope):
            await refuse(send, _REFUSAL)
        else:
            await self._app(scope, receive, send)

    def _may_send(self, scope: Message) -> bool:
        role = role_of_sender(scope, self._settings)
        return role is not None and role.includes(Role.MEMBER)


def role_of_sender(scope: Message, settings: AppSettings) -> Role | None:
    """The role of the person who sent a request, by the cookie of their sign-in; None: they may not come in."""
    sent = [value for name, value in scope["headers"] if name == b"cookie"]
    claims = claims_in(b"; ".join(sent).decode("latin-1"))
    return role_of(claims, settings) if claims.get("is_logged_in") is True else None


def claims_in(cookies: str) -> Mapping[str, Any]:
    """What the provider said about the sender of these cookies; empty if our server did not sign it."""
    from starlette.requests import cookie_parser
    from streamlit.auth_util import get_cookie_with_chunks
    from streamlit.web.server.server_util import get_cookie_secret
    from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
    from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

    named = cookie_parser(cookies)

    def signed(name: str) -> bytes | None:
        value = named.get(name)
        if value is None:
            return None
        return decode_signed_value(get_cookie_secret(), name, value.encode("latin-1"))

    try:
        claims = json.loads(get_cookie_with_chunks(signed, USER_COOKIE_NAME) or b"{}")
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
