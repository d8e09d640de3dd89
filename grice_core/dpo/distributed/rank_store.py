"""What the ranks of a run say to each other besides what their process groups carry: work, answers, failures.

It is kept by torch's TCPStore, on rank 0's host. Values are pickled, as torch's own collectives of objects do:
the ranks of a run trust each other, and anyone who reaches the store's port is one of them.
"""

import pickle
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from torch.distributed import (  # type: ignore[attr-defined]
    DistError,
    PrefixStore,
    Store,
    TCPStore,
)

from grice_core.dpo.distributed.launcher import LOCALHOST, RankPlace
from grice_core.errors import InputError

LONGEST_JOIN_S = 600.0
"""How long a rank waits for the store, and rank 0 for the others, when a run begins."""

_CHUNK = 4 << 20
"""Bytes; torch's store refuses values of more than 8 MiB."""
_BEAT_EVERY_S = 2.0
GONE_AFTER_S = 60.0
"""A rank that shows no heartbeat for so long is lost."""


def open_store(place: RankPlace, listening: socket.socket | None = None) -> TCPStore:
    """The store of all ranks; rank 0 holds it from now on, unless the launcher does.

    Raises: DistError, if it can't be reached.
    """
    holds = place.index == 0 and not place.is_held
    return TCPStore(
        place.host,
        place.port,
        None,
        holds,
        timedelta(seconds=LONGEST_JOIN_S),
        wait_for_workers=False,
        multi_tenant=True,  # several in one process are one
        master_listen_fd=listening.detach() if holds and listening else None,
    )


class RankStore:
    """The store as one rank uses it."""

    def __init__(self, place: RankPlace, listening: socket.socket | None = None) -> None:
        self.place = place
        self._store = _own(open_store(place, listening))

    @classmethod
    def at(cls, place: RankPlace) -> "RankStore":
        """The one where a launcher has its processes meet.

        Raises: InputError, if it can't be reached.
        """
        try:
            return cls(place)
        except DistError as error:
            raise InputError(
                f"no one can be reached on {place.host}:{place.port}, where all processes are to meet: {error}"
            ) from error

    @classmethod
    def on_this_machine(cls, count: int) -> "RankStore":
        """Rank 0's, for processes of this machine only."""
        listening = socket.create_server((LOCALHOST, 0))
        port: int = listening.getsockname()[1]
        return cls(RankPlace(0, count, port), listening)

    def put(self, key: str, value: Any) -> None:
        """Say something once; it is there for all ranks from then on."""
        content = pickle.dumps(value)
        for start in range(0, len(content), _CHUNK):
            chunk = content[start : start + _CHUNK]
            self._store.set(f"{key}/{start}", chunk)  # type: ignore[arg-type]  # bytes do
        self._store.set(key, str(len(content)))

    def has(self, key: str) -> bool:
        """Whether it was said, and not forgotten."""
        return self._store.check([key])

    def get(self, key: str) -> Any:
        """What was said."""
        chunks = [self._store.get(f"{key}/{start}") for start in self._starts(key)]
        return pickle.loads(b"".join(chunks))  # noqa: S301 - of our own ranks, see above

    def forget(self, key: str) -> None:
        """Free the memory that something took."""
        if self.has(key):
            for part in (*(f"{key}/{start}" for start in self._starts(key)), key):
                self._store.delete_key(part)

    def _starts(self, key: str) -> range:
        return range(0, int(self._store.get(key)), _CHUNK)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Show rank 0 that this rank is alive as long as the block runs."""
        ended = threading.Event()
        # Another connection: this one's users may have to wait for answers.
        store = _own(open_store(self.place))

        def beat() -> None:
            with suppress(DistError):  # then rank 0 has ended, as others notice too
                store.add(_beats_of(self.place.index), 1)
                while not ended.wait(_BEAT_EVERY_S):
                    store.add(_beats_of(self.place.index), 1)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(_BEAT_EVERY_S)

    def num_beats(self, index: int) -> int:
        """Of another rank so far."""
        return self._store.add(_beats_of(index), 0)


class Pulse:
    """Heartbeats of another rank, and when they were last seen to increase."""

    def __init__(self) -> None:
        self._num_beats = 0
        self._seen_at = 0.0

    def is_gone(self, num_beats: int, now: float) -> bool:
        """Whether there has been none for long, since the first one.

        Args:
            num_beats: so far.
            now: seconds of a clock.
        """
        if num_beats != self._num_beats:
            self._num_beats, self._seen_at = num_beats, now
        return num_beats > 0 and now - self._seen_at > GONE_AFTER_S


def _own(store: TCPStore) -> Store:
    """The part of a launcher's store that is ours."""
    return PrefixStore("grice", store)


def _beats_of(index: int) -> str:
    return f"beats/{index}"
