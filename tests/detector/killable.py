"""A scoring run that kills its own process at a chosen moment, as a crash would."""

import os
import signal
from pathlib import Path

import torch

from grice_core.data.pairs import PairTable
from grice_core.detector.load import load_detector
from grice_core.detector.pairs import score_pairs


class Moments:
    """Counts the moments of a run, and ends the process at one of them without any clean-up."""

    def __init__(self, last: int) -> None:
        self._left = last

    def pass_one(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def score(detector: Path, table: PairTable, journal: Path, last: int) -> None:
    """Score up to the moment of this number: a batch was read, or something is forced to disk."""
    moments = Moments(last)
    force = os.fsync

    def fsync(descriptor: int) -> None:
        moments.pass_one()
        force(descriptor)

    os.fsync = fsync
    judge = load_detector(detector, torch.device("cpu"), "bf16")
    score_pairs(judge, table, journal, progress=lambda *_: moments.pass_one())
