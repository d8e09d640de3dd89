"""Finished work that is asked for again: kept by content, so that nothing is computed twice.

A key names everything that the work depends on; what is found under it is what the work would give.
"""

import hashlib
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Protocol

from grice_core.journal import Entry


class Kept(Protocol):
    """Somewhere that entries are kept in by key, for as long as there is room."""

    def find(self, key: str, /) -> list[Entry]:
        """What is kept under this key; nothing where it can't be read."""

    def keep(self, key: str, entries: Iterable[Entry], /) -> None:
        """Keep entries under this key, in place of what is there. Where that fails, nothing is kept."""


class NothingKept:
    """No entry is kept, and none found."""

    def find(self, _key: str, /) -> list[Entry]:
        """Nothing."""
        return []

    def keep(self, _key: str, _entries: Iterable[Entry], /) -> None:
        """Forget them."""


_LIBRARIES = ("torch", "transformers", "peft", "tokenizers")
"""Another version may give other last digits."""


def key_of(kind: str, parts: Sequence[str]) -> str:
    """A name for work of one kind that depends on these parts, and on the libraries' versions."""
    digest = hashlib.sha256()
    for part in (*map(version, _LIBRARIES), *parts):
        content = part.encode(errors="surrogatepass")
        digest.update(f"{len(content)}\n".encode() + content)
    return f"{kind}-{digest.hexdigest()}"
