"""`python -m worker.send_notice`: one message to some addresses.

A process of its own, since a server that answers slowly, or never, must hold up no worker: it can be ended.
Message and addresses come as JSON by standard input, which no list of processes shows; for each address a
line of JSON says what became of it. No address, and no word of apprise's that may hold one, leaves it again.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any

from grice_core.parent import die_with_parent

_STATUS = re.compile(r"error=(\d{3})")


def main() -> None:
    """Send it."""
    die_with_parent()
    message = json.load(sys.stdin)
    for position, address in message["addresses"].items():
        answer = {"position": int(position), **_send(address, message)}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer


def _send(address: str, message: dict[str, Any]) -> dict[str, str]:
    """Which service it is, and why it doesn't have the message; empty: it has."""
    import apprise

    asset = apprise.AppriseAsset(app_id="Grice Studio", app_desc="Grice Studio", async_mode=False)
    said = _Said()
    log = logging.getLogger("apprise")
    log.handlers, log.propagate = [said], False
    service = apprise.Apprise.instantiate(address, asset=asset)
    if service is None:
        return {"service": "unknown", "trouble": "is no address that apprise knows"}
    name = str(service.service_name)
    if service.notify(title=message["title"], body=message["body"], notify_type=message["type"]):
        return {"service": name, "trouble": ""}
    return {"service": name, "trouble": said.in_words()}


class _Said(logging.Handler):
    """What apprise says of a failure, of which only what can hold no secret is passed on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())

    def in_words(self) -> str:
        return next(self._causes(), "did not take it")

    def _causes(self) -> Iterator[str]:
        for line in self._lines:
            if status := _STATUS.search(line):
                yield f"answered with status {status[1]}"
            if "onnection" in line or "timed out" in line:
                yield "can't be reached"


if __name__ == "__main__":
    main()
