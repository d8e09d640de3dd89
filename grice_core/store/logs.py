"""The log of each attempt: published by its owner, followed by a page that has read part of it."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from grice_core.store.claims import Claim, hold
from grice_core.store.clock import database_now
from grice_core.store.database import Database, reads, writes
from grice_core.store.objects import ObjectStore
from grice_core.store.tables import LogPosition
from grice_core.store.upsert import insert_into


def publish(database: Database, objects: ObjectStore, claim: Claim, log: Path) -> None:
    """Make an attempt's log readable for others, as far as it is written.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    size_bytes = log.stat().st_size
    name = f"logs/{claim.run_id}/{claim.attempt}.log"
    objects.put(name, log)
    # The log may have grown while it was copied; what was there before is there for certain.
    _note(database, claim, name, size_bytes)


@writes
def _note(session: Session, claim: Claim, name: str, size_bytes: int) -> None:
    hold(session, claim)
    columns = {"name": name, "size_bytes": size_bytes, "updated_at": database_now()}
    row = insert_into(session, LogPosition).values(
        run_id=claim.run_id, attempt=claim.attempt, **columns
    )
    session.execute(row.on_conflict_do_update(index_elements=["run_id", "attempt"], set_=columns))


@reads
def positions(session: Session, run_id: int) -> Sequence[LogPosition]:
    """The logs of a run's attempts, the first attempt first."""
    return session.scalars(
        select(LogPosition).where(LogPosition.run_id == run_id).order_by(LogPosition.attempt)
    ).all()


def tail(objects: ObjectStore, position: LogPosition, start: int = 0) -> str:
    """The text of a log from a byte on, up to what is safely there.

    Bytes that are no UTF-8, as when `start` lies inside a character, are shown as �.
    """
    wanted = max(0, position.size_bytes - start)
    content = bytearray()
    for chunk in objects.chunks(position.name, start) if wanted else ():
        content += chunk
        if len(content) >= wanted:
            break
    return content[:wanted].decode(errors="replace")
