"""Finished work kept beside the artifacts, within a bound: what was not asked for longest goes first."""

import json
import logging
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from grice_core.errors import GriceError
from grice_core.journal import Entry
from grice_core.kept import Kept, NothingKept
from grice_core.settings import settings
from grice_core.store.objects import ObjectStore

_log = logging.getLogger(__name__)

_FOLDER = "kept"
_USED_AGAIN_AFTER_S = 3600.0
"""What is found is written anew when it is older, so that its age says when it was used."""


@dataclass(frozen=True)
class KeptSize:
    """How much is kept."""

    num_files: int
    size_bytes: int


class KeptWork:
    """Entries by key, as compressed JSON Lines in the artifact store; shared by all that use the store.

    It is a convenience: where it can't be read or written, work is done again and nothing fails.
    """

    def __init__(self, objects: ObjectStore, most_bytes: int) -> None:
        self._objects = objects
        self._most_bytes = most_bytes

    def find(self, key: str) -> list[Entry]:
        """What is kept under this key; nothing where it can't be read."""
        name = _name(key)
        try:
            age_s = self._objects.age_s(name)
            if age_s is None:
                return []
            content = b"".join(self._objects.chunks(name))
            entries = [json.loads(line) for line in zlib.decompress(content).splitlines()]
            if age_s > _USED_AGAIN_AFTER_S:
                self._objects.put_bytes(name, content)
        except (GriceError, ValueError, zlib.error) as error:
            _log.warning("what was kept of earlier work can't be read: %s", error)
            return []
        return entries

    def keep(self, key: str, entries: Iterable[Entry]) -> None:
        """Keep entries under this key, in place of what is there. Where that fails, nothing is kept."""
        lines = b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)
        content = zlib.compress(lines)
        if len(content) > self._most_bytes:
            return
        try:
            self._objects.put_bytes(_name(key), content)
            self._make_room()
        except GriceError as error:
            _log.warning("work can't be kept for later: %s", error)

    def size(self) -> KeptSize:
        """How much is kept.

        Raises: StoreError.
        """
        sizes = [file.size_bytes for file in self._objects.names(_FOLDER)]
        return KeptSize(len(sizes), sum(sizes))

    def forget(self) -> KeptSize:
        """Remove all of it; returns how much that was.

        Raises: StoreError.
        """
        size = self.size()
        for file in list(self._objects.names(_FOLDER)):
            self._objects.delete(file.name)
        return size

    def _make_room(self) -> None:
        files = list(self._objects.names(_FOLDER))
        too_much = sum(file.size_bytes for file in files) - self._most_bytes
        if too_much <= 0:
            return
        ages = [(self._objects.age_s(file.name), file) for file in files]
        # None: another process has made room meanwhile.
        for _, file in sorted((-age, file) for age, file in ages if age is not None):
            if too_much <= 0:
                return
            self._objects.delete(file.name)
            too_much -= file.size_bytes


def kept_work() -> Kept:
    """What the environment says is kept, and where.

    Raises: StoreError, if the address of the artifact store can't be used.
    """
    return kept_in(ObjectStore(settings().artifacts_url)) if settings().kept_mib else NothingKept()


def kept_in(objects: ObjectStore) -> KeptWork:
    """What is kept in a store, within the bound that the environment names."""
    return KeptWork(objects, settings().kept_mib << 20)


def _name(key: str) -> str:
    return f"{_FOLDER}/{key}.jsonl.z"
