"""Only the studio's own pages may ask the studio for anything.

Without this a page of some other site could: a browser asks whatever address the site's name stands for
at the moment (DNS rebinding), and Streamlit lets in the pages of every port of this machine.
"""

import socket
import tomllib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_REFUSAL = (
    "Grice Studio does not know this address, or another site's page asked for it. If it is yours, name its "
    "host in GRICE_HOSTS.\n"
)


class OwnPagesOnly:
    """Passes on what is asked by a known name, from a page of the same place; refuses the rest with 403.

    Known are all IP addresses, which no other site's page can be opened under, `localhost`, this
    machine's own name, and the names given. HTTP and websockets alike.
    """

    def __init__(self, app: Application, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._named = frozenset(host.lower() for host in hosts)
        self._own = frozenset({"localhost", socket.gethostname().lower(), socket.getfqdn().lower()})

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or self._may_ask(dict(scope["headers"])):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: 403
        else:
            await refuse(send, _REFUSAL)

    def _may_ask(self, headers: dict[bytes, bytes]) -> bool:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        name = _name(host)
        if not name or not (_is_address(name) or name in self._own or self._is_named(name)):
            return False
        origin = headers.get(b"origin")
        return origin is None or self._is_own(origin.decode("latin-1").lower(), host)

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether a page of this origin is ours, though a proxy may have changed what host is asked."""
        scheme, _, place = origin.partition("://")
        return scheme in {"http", "https"} and (place == host or self._is_named(_name(place)))

    def _is_named(self, name: str | None) -> bool:
        if not name:
            return False
        parents = name.split(".")[1:]
        wildcards = ("*." + ".".join(parents[start:]) for start in range(len(parents)))
        return name in self._named or any(wildcard in self._named for wildcard in wildcards)


def sign_in_hosts(secrets: Path) -> list[str]:
    """The host that an identity provider sends people back to, if sign-in is configured."""
    try:
        back = tomllib.loads(secrets.read_text(encoding="utf-8"))["auth"]["redirect_uri"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [host] if (host := urlsplit(str(back)).hostname) else []


def _name(host: str) -> str | None:
    """The name in `name:port`, without the brackets of an IPv6 address or a final dot."""
    try:
        parts = urlsplit(f"//{host}")
    except ValueError:
        return None
    plain = parts.netloc == host and "@" not in host
    return parts.hostname.rstrip(".") if plain and parts.hostname else None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


async def refuse(send: Send, why: str) -> None:
    """Answer with 403 and a sentence."""
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": why.encode()})
