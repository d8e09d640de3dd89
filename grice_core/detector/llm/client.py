"""Questions over HTTP: straight to one address, with patience, and without the key in any message."""

import http.client
import json
import random
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from grice_core.detector.endpoint import Endpoint
from grice_core.errors import DetectorError

_TRIES = 6
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 60.0
_PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}
_MOST_BYTES = 4_000_000
_SHOWN = 300


class RefusedRequestError(Exception):
    """The server says that it can't do what a request asks for (HTTP 400 or 422)."""


class StoppedError(Exception):
    """Asking was stopped."""


class _PassingError(Exception):
    """Trying again may help."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s
        """How long the server asks to wait."""


@dataclass(frozen=True, eq=False)
class ChatClient:
    """Asks one server, from as many threads as one likes. No proxy, no redirect."""

    endpoint: Endpoint
    api_key: str | None = field(default=None, repr=False)
    first_pause_s: float = _FIRST_PAUSE_S
    """Before the second try; it doubles with each."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set to end all waiting."""
    _idle: list[http.client.HTTPConnection] = field(default_factory=list)
    """Connections for the next requests."""

    def ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The server's reply to one request.

        Raises:
            RefusedRequestError: the server can't do what the request asks for.
            DetectorError: it can't be reached, or does not answer after several tries.
            StoppedError: `stop` was set.
        """
        reason = ""
        for number in range(_TRIES):
            if self.stop.is_set():
                raise StoppedError
            try:
                return self._once(json.dumps(body).encode())
            except _PassingError as error:
                reason = str(error)
                if number + 1 < _TRIES:
                    self.stop.wait(self._pause_s(number, error.wait_s))
        raise DetectorError(
            f"the judge at {self.endpoint.address} did not answer after {_TRIES} tries ({reason}); what "
            "it has judged is kept: run the same again to continue"
        )

    def _pause_s(self, number: int, asked_s: float | None) -> float:
        if asked_s is not None:
            return min(asked_s, _LONGEST_PAUSE_S)
        doubled = min(self.first_pause_s * 2.0**number, _LONGEST_PAUSE_S)
        spread: float = random.uniform(0.5, 1.0)  # noqa: S311 - so that not all come at once
        return doubled * spread

    def close(self) -> None:
        """Close the connections that no one uses."""
        while self._idle:
            self._idle.pop().close()

    def _once(self, body: bytes) -> dict[str, Any]:
        connection = self._take_connection()
        try:
            status, headers, content = self._exchange(connection, body)
        except BaseException as error:
            connection.close()
            self._explain(error)
            raise
        self._idle.append(connection)
        if status != http.client.OK:
            self._refuse(status, headers, content)
        return self._parsed(content)

    def _explain(self, error: BaseException) -> None:
        """Raise what went wrong on the way as what it means; anything else is left as it is."""
        address = self.endpoint.address
        if isinstance(error, TimeoutError):
            raise _PassingError(f"no answer within {self.endpoint.timeout_s:g} s") from None
        if isinstance(error, ssl.SSLError):
            raise DetectorError(
                f"the judge at {address} can't be reached safely: {error.reason}"
            ) from None
        if isinstance(error, socket.gaierror):
            raise DetectorError(
                f"the judge at {address} can't be found: there is no such host"
            ) from None
        if isinstance(error, OSError | http.client.HTTPException):
            raise _PassingError(self._clean(str(error) or type(error).__name__)) from None

    def _exchange(
        self, connection: http.client.HTTPConnection, body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        path = f"{urlsplit(self.endpoint.address).path}/chat/completions"
        connection.request("POST", path, body, headers)
        reply = connection.getresponse()
        content = reply.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise http.client.HTTPException("a reply of more than 4 MB")
        return reply.status, dict(reply.headers.items()), content

    def _take_connection(self) -> http.client.HTTPConnection:
        try:
            return self._idle.pop()
        except IndexError:  # all are in use
            return self._new_connection()

    def _new_connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.endpoint.address)
        is_safe = parts.scheme == "https"
        kind = http.client.HTTPSConnection if is_safe else http.client.HTTPConnection
        return kind(parts.hostname or "", parts.port, timeout=self.endpoint.timeout_s)

    def _refuse(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        """Raise what a status that is not 200 means."""
        said = self._clean(content.decode(errors="replace"))
        if status in _PASSING:
            raise _PassingError(f"HTTP {status}: {said}", _seconds(headers))
        if status in {400, 422}:
            raise RefusedRequestError(said)
        advice = {
            401: "set GRICE_JUDGE_API_KEY, and GRICE_JUDGE_URL to this address",
            403: "set GRICE_JUDGE_API_KEY, and GRICE_JUDGE_URL to this address",
            404: "check the address, which mostly ends in /v1, and the model's name",
        }.get(status, "check the address")
        raise DetectorError(
            f"the judge at {self.endpoint.address} answers HTTP {status} ({said}): {advice}"
        )

    def _parsed(self, content: bytes) -> dict[str, Any]:
        try:
            reply = json.loads(content)
        except (ValueError, RecursionError):
            raise _PassingError("a reply that is no JSON") from None
        if not isinstance(reply, dict):
            raise _PassingError("a reply that is no JSON object")
        return reply

    def _clean(self, text: str) -> str:
        """One short line without the key, which a server may repeat."""
        line = " ".join(text.split())
        return (line.replace(self.api_key, "…") if self.api_key else line)[:_SHOWN]


def _seconds(headers: Mapping[str, str]) -> float | None:
    """What `Retry-After` says, where it says a number."""
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        return max(0.0, float(said))
    except ValueError:
        return None
