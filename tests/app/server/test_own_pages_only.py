"""Who may ask the studio: its own pages, by a name that is its own."""

import asyncio
import socket
from pathlib import Path

import pytest

from app.server.own_pages_only import Message, OwnPagesOnly, sign_in_hosts

REFUSED = 403
SERVED = 200
KINDS = ("http", "websocket")


def answer(kind: str, host: str | None, origin: str | None = None, *hosts: str) -> int:
    """The status that a request with these headers gets."""
    given = {"host": host, "origin": origin}
    headers = [
        (name.encode(), value.encode()) for name, value in given.items() if value is not None
    ]
    sent: list[Message] = []

    async def served(scope: Message, receive: object, send: object) -> None:  # noqa: ARG001
        sent.append({"type": "served"})

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": f"{kind}.connect"}

    asyncio.run(OwnPagesOnly(served, hosts)({"type": kind, "headers": headers}, receive, send))
    if sent == [{"type": "served"}]:
        return SERVED
    assert {"type": "served"} not in sent
    assert sent[0].get("status", REFUSED) == REFUSED
    return REFUSED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8501",
        "localhost:8501",
        "LOCALHOST",
        "[::1]:8501",
        "10.1.2.3",
        socket.gethostname(),
    ],
)
def test_its_own_names_and_addresses_are_served(kind: str, host: str) -> None:
    assert answer(kind, host) == SERVED
    assert answer(kind, host, f"http://{host}") == SERVED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "host",
    ["other.example", "other.example:8501", "localhost.other.example", "", None, "[", "@localhost"],
)
def test_a_foreign_name_is_refused_though_the_page_is_of_the_same_place(
    kind: str, host: str | None
) -> None:
    assert answer(kind, host, f"http://{host}") == REFUSED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:3000",  # another program of this machine
        "http://localhost:8501",  # the same one by another name: not the page that asks
        "http://other.example",
        "null",
        "chrome-extension://abcdef",
    ],
)
def test_a_page_of_another_place_is_refused(kind: str, origin: str) -> None:
    assert answer(kind, "127.0.0.1:8501", origin) == REFUSED


def test_names_that_are_given_are_served_behind_a_proxy_too() -> None:
    name = "studio.example.org"
    assert answer("http", name) == REFUSED
    assert answer("http", name, f"https://{name}", name) == SERVED
    assert answer("http", "127.0.0.1:8501", f"https://{name}", name) == SERVED
    assert answer("http", name, None, "*.example.org") == SERVED
    assert answer("http", "example.org", None, "*.example.org") == REFUSED
    assert answer("http", "notexample.org", None, "*.example.org") == REFUSED


def test_where_people_come_back_to_from_signing_in_is_known(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.toml"
    assert sign_in_hosts(secrets) == []
    secrets.write_text('[auth]\nredirect_uri = "https://studio.example.org/oauth2callback"\n')
    assert sign_in_hosts(secrets) == ["studio.example.org"]
    secrets.write_text("other = 1\n")
    assert sign_in_hosts(secrets) == []
