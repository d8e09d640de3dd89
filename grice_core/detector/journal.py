"""Scores on disk as they are made, so that a killed scoring run continues where it was."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from grice_core.journal import Entry, Journal


@dataclass(frozen=True)
class PairScores:
    """What a detector says about one pair."""

    chosen: tuple[float, ...]
    """Four violation probabilities in the order of `MAXIMS`."""
    rejected: tuple[float, ...]
    cut: bool
    """Whether one of the responses was longer than the detector can read."""


class ScoreJournal(Journal):
    """One entry per scored pair; `done` maps a pair's index to its scores."""

    def __init__(self, path: Path, key: str):
        super().__init__(path, key)
        self.done: dict[int, PairScores] = {}

    def take(self, entry: Entry) -> None:
        """A pair that was scored before."""
        scores = tuple(entry["chosen"]), tuple(entry["rejected"])
        self.done[entry["pair"]] = PairScores(*scores, cut=entry["cut"])

    def append(self, scores: Mapping[int, PairScores]) -> None:
        """Write pairs' scores and force them to disk."""
        self.done.update(scores)
        self.write(entries_of(scores))


def entries_of(scores: Mapping[int, PairScores]) -> Iterator[Entry]:
    """One per pair, by index."""
    return ({"pair": index, **vars(one)} for index, one in scores.items())
