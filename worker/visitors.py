"""Who has a page open now: kept in the queue's server for a minute, and nowhere else."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from redis import Redis, RedisError

_PREFIX = "grice-person:"
_IS_HERE_S = 60


@dataclass(frozen=True)
class Visitors:
    """The persons who are signed in."""

    redis: Redis

    def say_is_here(self, person: str) -> None:
        """Note that a person has a page open; without the server, no one is noted."""
        with suppress(RedisError):
            self.redis.set(f"{_PREFIX}{person}", 1, ex=_IS_HERE_S)

    def here(self) -> list[str]:
        """Persons who were here just now, as far as the queue's server knows."""
        try:
            keys: list[Any] = list(self.redis.scan_iter(match=f"{_PREFIX}*"))
        except RedisError:
            return []
        return sorted(key.decode().removeprefix(_PREFIX) for key in keys)
