"""Where the queue's server is: `REDIS_URL`, or the embedded one on a unix socket in the home."""

import hashlib
import os
import tempfile
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from grice_core.errors import InputError
from grice_core.redaction import hide_credentials, redacted
from grice_core.settings import settings
from worker.settings import worker_settings

_LONGEST_SOCKET_PATH = 100
"""Bytes; Linux takes 107 and macOS 103."""


def embedded_folder() -> Path:
    """Where the embedded server keeps its data."""
    return settings().home.absolute() / "valkey"


def socket_path() -> Path:
    """The embedded server's socket: in its folder, or in a short place if that is too deep."""
    path = embedded_folder() / "valkey.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    home = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"grice-{os.getuid()}-{home}" / "valkey.sock"


def connect() -> Redis:
    """A client of the queue's server, which need not be there yet."""
    return client_of(worker_settings().redis_url or f"unix://{socket_path()}")


def client_of(url: str) -> Redis:
    """A client of the server at this address.

    It tries a broken connection once more and then says so. By default a client tries for seconds, in
    which a page would stand still, and anyone who needs the queue asks again anyway.

    Raises:
        InputError: it is no address of such a server.
    """
    try:
        return Redis.from_url(
            url, socket_timeout=10, socket_connect_timeout=3, retry=Retry(NoBackoff(), 1)
        )
    except ValueError as error:
        raise InputError(
            f"REDIS_URL is {redacted(url)!r}, which can't be used: {hide_credentials(str(error), url)}"
        ) from None
