"""The roll: workers keep saying in the queue's server that they are there.

RQ's own list forgets a worker that is busy for minutes, and everything when the server is emptied.
"""

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from redis import Redis, RedisError

from grice_core.store.states import Device

_PREFIX = "grice-worker:"
_SAY_EVERY_S = 3.0
_FORGOTTEN_AFTER_S = 12
"""A worker that was killed counts as listening for so long."""


@dataclass(frozen=True)
class Entry:
    """A worker that listens."""

    name: str
    device: Device


def keep_saying(redis: Redis, entry: Entry, until: threading.Event) -> threading.Thread:
    """Put a worker on the roll, again and again in a thread, and take it off when the event is set."""

    def loop() -> None:
        key = f"{_PREFIX}{entry.name}"
        while not until.is_set():
            with suppress(RedisError):  # away: said again soon
                redis.set(key, entry.device, ex=_FORGOTTEN_AFTER_S)
            until.wait(_SAY_EVERY_S)
        with suppress(RedisError):
            redis.delete(key)

    thread = threading.Thread(target=loop, name="roll", daemon=True)
    thread.start()
    return thread


def read_roll(redis: Redis) -> list[Entry]:
    """The workers that listen, by name.

    Raises:
        redis.RedisError: the server can't be reached.
    """
    keys: list[Any] = sorted(redis.scan_iter(match=f"{_PREFIX}*"))
    devices: list[Any] = redis.mget(keys) if keys else []
    return [
        Entry(key.decode().removeprefix(_PREFIX), Device(device.decode()))
        for key, device in zip(keys, devices, strict=True)
        if device is not None  # it ended meanwhile
    ]
