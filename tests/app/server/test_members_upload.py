"""Who may send files: known by a cookie that only the server can have signed."""

import asyncio
import json

import pytest

from app.server.members_upload import MembersUpload
from app.server.own_pages_only import Message, Receive, Send
from app.state.settings import AppSettings

SETTINGS = AppSettings(members=("ann@example.org",), viewers=("eve@example.org",))
UPLOAD = "/_stcore/upload_file/session/file"


def cookie(signed_with: str = "ours", **claims: object) -> str:
    from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

    text = json.dumps({"origin": "http://127.0.0.1:8501", **claims})
    return f"_streamlit_user={create_signed_value(signed_with, '_streamlit_user', text).decode()}"


def answer(sent: str, method: str = "PUT", path: str = UPLOAD) -> int:
    """The status of what is asked with these cookies; 204: it was passed on."""
    statuses: list[int] = []

    async def passes(scope: Message, receive: Receive, send: Send) -> None:  # noqa: ARG001
        await send({"type": "http.response.start", "status": 204})

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(b"cookie", sent.encode())] if sent else [],
    }
    asyncio.run(MembersUpload(passes, SETTINGS)(scope, receive, send))
    return statuses[0]


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.secrets import secrets_singleton

    monkeypatch.setattr(secrets_singleton, "_secrets", {"auth": {"cookie_secret": "ours"}})


def test_members_send_files_and_no_one_else() -> None:
    assert answer(cookie(is_logged_in=True, email="ann@example.org")) == 204
    assert answer(cookie(is_logged_in=True, email="eve@example.org")) == 403
    assert answer(cookie(is_logged_in=True, email="bob@example.org")) == 403
    assert answer(cookie(is_logged_in=False, email="ann@example.org")) == 403
    assert answer("") == 403
    assert answer("_streamlit_user=nonsense") == 403
    assert answer("", method="DELETE") == 403


def test_a_cookie_that_others_signed_counts_nothing() -> None:
    assert answer(cookie("theirs", is_logged_in=True, email="ann@example.org")) == 403


def test_everything_else_is_passed_on() -> None:
    assert answer("", path="/_stcore/health", method="GET") == 204
    assert answer("", method="OPTIONS") == 204
