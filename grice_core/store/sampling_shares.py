"""Shares of a round's answers: runs that stand beside the pipeline until the round has what they wrote."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.orm import Session

from grice_core.store.claims import Claim, hold
from grice_core.store.database import reads, writes
from grice_core.store.states import RunKind
from grice_core.store.tables import Run


@reads
def of_run(session: Session, run_id: int, round_: int) -> Sequence[Run]:
    """The shares that a run has asked for since it was begun from nothing for this time."""
    return session.scalars(select(Run).where(_of(run_id, round_)).order_by(Run.id)).all()


@writes
def remove(session: Session, claim: Claim) -> None:
    """Forget what a run has asked for, which it has by now; one that is still at work finds no row to write to.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    hold(session, claim)
    session.execute(delete(Run).where(_of(claim.run_id)))


def _of(run_id: int, round_: int | None = None) -> ColumnElement[bool]:
    wanted = [Run.kind == RunKind.SAMPLE, Run.spec["run_id"].as_integer() == run_id]
    if round_ is not None:
        wanted.append(Run.spec["round"].as_integer() == round_)
    return and_(*wanted)
