"""Heartbeats: workers keep reporting to the queue's server that they are alive.

RQ's own list forgets a worker that is busy for minutes, and everything when the server is emptied.
"""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from redis import Redis, RedisError

from grice_core.store.states import Device
from worker.hardware import Hardware

_PREFIX = "grice-worker:"
_SAY_EVERY_S = 3.0
_FORGOTTEN_AFTER_S = 12
"""A worker that was killed counts as alive for so long."""


@dataclass(frozen=True)
class Heartbeat:
    """A worker that is ready for runs."""

    name: str
    device: Device
    hardware: Hardware
    writes_gguf: bool = False
    """Whether llama.cpp's converter is installed where it runs."""


def send_heartbeats(
    redis: Redis,
    name: str,
    device: Device,
    look: Callable[[], Hardware],
    until: threading.Event,
    *,
    writes_gguf: bool = False,
) -> threading.Thread:
    """Report a worker again and again in a thread, and remove it when the event is set.

    Args:
        look: asked each time what the worker computes on.
    """

    def loop() -> None:
        key = f"{_PREFIX}{name}"
        while not until.is_set():
            facts = {"device": device, "hardware": asdict(look()), "writes_gguf": writes_gguf}
            said = json.dumps(facts)
            with suppress(RedisError):  # away: said again soon
                redis.set(key, said, ex=_FORGOTTEN_AFTER_S)
            until.wait(_SAY_EVERY_S)
        with suppress(RedisError):
            redis.delete(key)

    thread = threading.Thread(target=loop, name="heartbeats", daemon=True)
    thread.start()
    return thread


def read_heartbeats(redis: Redis) -> list[Heartbeat]:
    """The workers that are alive, by name.

    Raises:
        redis.RedisError: the server can't be reached.
    """
    keys: list[Any] = sorted(redis.scan_iter(match=f"{_PREFIX}*"))
    said: list[Any] = redis.mget(keys) if keys else []
    entries = [
        _heartbeat(key.decode().removeprefix(_PREFIX), text)
        for key, text in zip(keys, said, strict=True)
        if text is not None  # it ended meanwhile
    ]
    return [entry for entry in entries if entry is not None]


def _heartbeat(name: str, text: bytes) -> Heartbeat | None:
    """None: a worker of another version said it, in words that we don't know."""
    try:
        said = json.loads(text)
        hardware = Hardware(**said["hardware"])
        return Heartbeat(name, Device(said["device"]), hardware, said.get("writes_gguf") is True)
    except (ValueError, KeyError, TypeError):
        return None
