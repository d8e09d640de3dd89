"""Reading the audit log: who did what, when, from where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from grice_core.csv_text import csv_text
from grice_core.store.actions import Target, acting, action, refuse_below
from grice_core.store.actors import Role
from grice_core.store.database import reads, writes
from grice_core.store.tables import AuditEntry

COLUMNS = ("time", "who", "role", "action", "kind", "id", "name", "from")


@dataclass(frozen=True)
class AuditFilter:
    """Which lines of the log; None or empty: all."""

    actor: str = ""
    action: str = ""
    since: float | None = None
    """Seconds since 1970."""


@reads
def page(
    session: Session,
    wanted: AuditFilter | None = None,
    before_id: int | None = None,
    limit: int | None = 50,
) -> Sequence[AuditEntry]:
    """The newest lines first.

    Args:
        before_id: only older ones than this: the last id of the page before.
        limit: how many; None: all.

    Raises:
        NotAllowedError: the actor is no admin; the log says who works here and from where.
    """
    refuse_below(acting(session), Role.ADMIN)
    query = _filtered(select(AuditEntry), wanted or AuditFilter()).order_by(AuditEntry.id.desc())
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    return session.scalars(query.limit(limit)).all()


@reads
def mentioned(session: Session) -> tuple[Sequence[str], Sequence[str]]:
    """Everyone who stands in the log, and every action, in alphabetical order.

    Raises:
        NotAllowedError: the actor is no admin.
    """
    refuse_below(acting(session), Role.ADMIN)
    actors, actions = (
        session.scalars(select(column).distinct().order_by(column)).all()
        for column in (AuditEntry.actor, AuditEntry.action)
    )
    return actors, actions


@writes
@action(
    "ask the playground",
    Role.MEMBER,
    on=lambda session, kind, id_=None: Target(kind, id_),  # noqa: ARG005 - as `action` calls it
)
def note_question(session: Session, kind: str, id_: int | None = None) -> None:
    """Log that models are asked something, though not what: that stands in no database.

    Args:
        kind: what is asked: a pipeline's models, or a detector.
    """


def as_record(entry: AuditEntry) -> dict[str, str | int | None]:
    """A line of the log by `COLUMNS`; the time in UTC."""
    time = datetime.fromtimestamp(entry.created_at, UTC).isoformat(" ", "seconds")
    values = (
        time.removesuffix("+00:00") + "Z",
        entry.actor,
        entry.role,
        entry.action,
        entry.kind,
        entry.target_id,
        entry.target,
        entry.source,
    )
    return dict(zip(COLUMNS, values, strict=True))


def as_csv(entries: Iterable[AuditEntry]) -> str:
    """Lines of the log as CSV."""
    return csv_text(COLUMNS, (as_record(entry).values() for entry in entries))


def _filtered(query: Select[AuditEntry], wanted: AuditFilter) -> Select[AuditEntry]:
    if wanted.actor:
        query = query.where(AuditEntry.actor == wanted.actor)
    if wanted.action:
        query = query.where(AuditEntry.action == wanted.action)
    if wanted.since is not None:
        query = query.where(AuditEntry.created_at >= wanted.since)
    return query
