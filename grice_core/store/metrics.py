"""Numbers of training, one row per step: written by the owner of a run, read by its pages.

A run that continues from a checkpoint does some steps a second time; they replace the rows that were
there, so that no step is missing or doubled, whatever happened between.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from grice_core.store.claims import Claim, Steps, hold
from grice_core.store.database import Database, reads, writes
from grice_core.store.tables import Metric, Run
from grice_core.store.upsert import insert_into


@dataclass(frozen=True)
class MetricRow:
    """All numbers of one step."""

    step: int
    """1-based optimizer step."""
    numbers: Mapping[str, float | None]
    """Name → number; NaN and infinities are read back as None."""


@writes
def record(
    session: Session, claim: Claim, rows: Sequence[MetricRow], num_steps: int | None = None
) -> bool:
    """Store steps, renew the lease, and note the last of them as how far the run is.

    Args:
        num_steps: steps of the run in all; None: as said before.

    Returns:
        Whether a user asked the run to stop.

    Raises:
        StaleOwnerError: the run is not the claim's any more; nothing was stored.
    """
    if not rows:
        return hold(session, claim)
    stop_requested = hold(session, claim, Steps(rows[-1].step, num_steps))
    insert = insert_into(session, Metric)
    upsert = insert.on_conflict_do_update(
        index_elements=["run_id", "step"], set_={"numbers": insert.excluded.numbers}
    )
    # A later row of the same step wins; Postgres refuses to update one row twice in a statement.
    by_step = {row.step: dict(row.numbers) for row in rows}
    session.execute(
        upsert,
        [
            {"run_id": claim.run_id, "step": step, "numbers": numbers}
            for step, numbers in by_step.items()
        ],
    )
    return stop_requested


@reads
def since(
    session: Session, run_id: int, step: int = 0, limit: int | None = None
) -> list[MetricRow]:
    """The steps after this one, in order; a live page asks for those after the last it has."""
    query = (
        select(Metric.step, Metric.numbers)
        .where(Metric.run_id == run_id, Metric.step > step)
        .order_by(Metric.step)
        .limit(limit)
    )
    return [MetricRow(*row) for row in session.execute(query)]


@reads
def latest(session: Session, run_ids: Collection[int]) -> dict[int, MetricRow]:
    """The last step of each of these runs; runs without one are left out."""
    of_same_run = aliased(Metric)
    newest = (
        select(of_same_run.step)
        .where(of_same_run.run_id == Run.id)
        .order_by(of_same_run.step.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(Metric.run_id, Metric.step, Metric.numbers)
        .join(Run, Run.id == Metric.run_id)
        .where(Run.id.in_(run_ids), Metric.step == newest)
    )
    return {run_id: MetricRow(step, numbers) for run_id, step, numbers in session.execute(query)}


@dataclass
class MetricWriter:
    """Collects steps and stores them about twice a second, so that training hardly waits.

    Flush before a checkpoint is written: a run that continues from it then has every step before it.
    A write that meets a locked or restarting database is tried again within the database's
    retries; the rows are kept until one succeeds.
    """

    database: Database
    claim: Claim
    num_steps: int | None = None
    every_s: float = 0.5
    clock: Callable[[], float] = time.monotonic
    stop_requested: bool = False
    """Whether the last write heard that a user asked the run to stop."""
    _pending: list[MetricRow] = field(default_factory=list)
    _flushed_at: float = float("-inf")

    def add(self, step: int, numbers: Mapping[str, float | None]) -> bool:
        """Take one step's numbers; returns whether a user asked the run to stop.

        Raises:
            StaleOwnerError: the run is not the claim's any more.
            StoreError: the database did not answer for longer than it is tried.
        """
        self._pending.append(MetricRow(step, numbers))
        if self.clock() - self._flushed_at >= self.every_s:
            self.flush()
        return self.stop_requested

    def flush(self) -> None:
        """Store what was collected.

        Raises:
            StaleOwnerError: the run is not the claim's any more.
            StoreError: the database did not answer for longer than it is tried.
        """
        self.stop_requested = record(self.database, self.claim, self._pending, self.num_steps)
        self._pending.clear()
        self._flushed_at = self.clock()
