"""What a round's job says while it works, kept as what its run has found so far."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grice_core.rounds.phases import Phase
from grice_core.store import claims
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from grice_core.store.tables import JsonObject

PHASE = "phase"
"""In what is kept of a round under way: the phase that it is in."""
_REPORT_EVERY_S = 1.0


@dataclass
class RoundReport:
    """The phases and yields of one round; every write carries the claim."""

    database: Database
    claim: Claim
    before: JsonObject | None
    """What the attempt before this one has left."""
    clock: Callable[[], float] = time.monotonic
    _noted: Mapping[str, Any] = field(default_factory=dict)
    others: JsonObject = field(default_factory=dict)
    """What is kept beside the round."""
    _phase: JsonObject = field(default_factory=dict)
    _began: tuple[float, int] = (0.0, 0)
    """When the phase did, and how much of it was done then."""
    _written_at: float = float("-inf")
    _furthest: tuple[int, int] = (-1, 0)

    def __post_init__(self) -> None:
        left: JsonObject = (self.before or {}).get("round", {}).get(PHASE, {})
        if left:
            self._furthest = Phase(left["name"]).number, left["done"]

    def on_phase(self, phase: str, done: int, total: int) -> None:
        """How much of a phase is done.

        Raises:
            StaleOwnerError: the run is not the claim's any more.
        """
        now = self.clock()
        is_new = self._phase.get("name") != phase
        if is_new:
            self._began = now, done
        started, first = self._began
        pace_s = (now - started) / (done - first) if done > first else None
        self._phase = {"name": phase, "done": done, "total": total, "pace_s": pace_s}
        if is_new or done == total or now - self._written_at >= _REPORT_EVERY_S:
            self._write()

    def on_round(self, facts: Mapping[str, Any]) -> None:
        """All that is noted of the round.

        Raises:
            StaleOwnerError: the run is not the claim's any more.
        """
        self._noted = dict(facts)
        self._write()

    def keep(self, facts: JsonObject) -> None:
        """Something else that was found, to be kept beside the round."""
        self.others |= facts
        self._write()

    def _write(self) -> None:
        noted = {**self._noted, **({PHASE: self._phase} if self._phase else {})}
        claims.report_found(
            self.database,
            self.claim,
            {"round": noted, **self.others},
            is_further=self._is_further(),
        )
        self._written_at = self.clock()

    def _is_further(self) -> bool:
        """Whether no attempt has come this far before."""
        if not self._phase:
            return False
        here = Phase(self._phase["name"]).number, self._phase["done"]
        further, self._furthest = here > self._furthest, max(here, self._furthest)
        return further
