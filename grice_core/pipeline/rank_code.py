"""What code a rank runs: all ranks of a run must run the same."""

import hashlib
import platform
import socket
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from grice_core.kernels.choice import VARIABLE, kernels_of_process

_LIBRARIES = ("grice-studio", "torch", "transformers", "peft", "tokenizers", "accelerate")


@dataclass(frozen=True)
class RankCode:
    """Code and versions on one host."""

    host: str
    versions: dict[str, str]
    """And which kernels, since dropout differs between them."""
    sources: str
    """SHA-256 of the library's source."""

    @classmethod
    def of_this_process(cls) -> "RankCode":
        """Of the host that this process runs on."""
        versions = {"python": platform.python_version()}
        versions |= {name: version(name) for name in _LIBRARIES}
        versions[VARIABLE] = kernels_of_process()
        return cls(socket.gethostname(), versions, _sources())

    def differs_from(self, other: "RankCode") -> str | None:
        """How, if it does: `torch 2.13 there, 2.12 here`."""
        for name, here in other.versions.items():
            there = self.versions.get(name)
            if there != here:
                return f"{name} {there} there, {here} here"
        return None if self.sources == other.sources else "another source of grice_core there"


@cache
def _sources() -> str:
    folder = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
