"""What all parts are given: a device, shapes, pairs and folders."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.trainer.work import Size, Work, write_pairs
from grice_core.kernels.precision import Precision, resolve_device

PAIRS_PER_STEP = 16
"""The guide's steps of four pairs leave a GPU idle, ours and TRL's alike."""


@dataclass(frozen=True)
class Setting:
    """Where and on what everything is measured."""

    device: str
    rehearse: bool
    """On a CPU, tiny, for the script's own sake."""
    num_pairs: int
    """To train on for a pace; correctness takes few."""
    pairs: Path
    """A file of at least so many."""
    home: Path
    """For whatever is kept meanwhile."""
    out: Path | None
    """For what doesn't fit into a table."""

    @property
    def small(self) -> tuple[Size, ...]:
        """Shapes for correctness, which a CPU has to compute too."""
        return ("tiny", "llama-tiny") if self.rehearse else ("small", "llama-small")

    @property
    def large(self) -> tuple[Size, ...]:
        """Shapes for paces and memory."""
        return ("tiny", "llama-tiny") if self.rehearse else ("medium", "llama-1b")

    @property
    def num_checked(self) -> int:
        """Pairs that correctness is checked on."""
        return 8 if self.rehearse else 16

    @property
    def torch_device(self) -> torch.device:
        return resolve_device(self.device)

    def work(
        self, size: Size, precision: Precision, num_pairs: int, name: str, **others: Any
    ) -> Work:
        """A stage on the first pairs, its caches in a folder of this name; bf16 holds the base in bf16."""
        home = self.home / name
        home.mkdir(parents=True, exist_ok=True)
        pairs = home / f"{num_pairs}.json"
        write_pairs(pairs, num_pairs, self.pairs)
        given: dict[str, Any] = {"base_dtype": precision, "device": self.device, "home": home}
        return Work(pairs, num_pairs, size, precision, **(given | others))
