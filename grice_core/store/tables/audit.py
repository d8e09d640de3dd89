"""Who changed what."""

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from grice_core.store.tables.base import Base, CreatedAt, Id, Name


class AuditEntry(Base):
    """One change that a person or a command made; written in the change's own transaction."""

    __tablename__ = "audit_log"
    __table_args__ = (Index(None, "created_at"), {"sqlite_autoincrement": True})

    id: Mapped[Id]
    created_at: Mapped[CreatedAt]
    actor: Mapped[Name] = mapped_column(comment="Who did it; empty: not known")
    role: Mapped[Name] = mapped_column(comment="The actor's role at that moment")
    action: Mapped[Name] = mapped_column(comment="What was done, as in: remove pipeline")
    kind: Mapped[Name] = mapped_column(comment="What it was done to: pipeline, run, data set …")
    target_id: Mapped[int | None] = mapped_column(
        BigInteger, comment="Number of what it was done to; null: it has none"
    )
    target: Mapped[Name] = mapped_column(comment="Name of what it was done to, at that moment")
    source: Mapped[str] = mapped_column(comment="Command, or dashboard with the person's address")
