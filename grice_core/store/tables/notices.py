"""What people outside the dashboard shall hear about."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grice_core.store.states import NoticeEvent
from grice_core.store.tables.base import Base, CreatedAt, Id, JsonObject, Name, enum_type


class Notice(Base):
    """One thing that happened to a pipeline; written in the transaction in which it happened."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("key"),
        Index(None, "pipeline_id"),
        Index(None, "run_id"),
        Index(None, "done_at", "due_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    created_at: Mapped[CreatedAt]
    key: Mapped[Name] = mapped_column(comment="The attempt and the event: each is noted once")
    pipeline_id: Mapped[int] = mapped_column(
        ForeignKey("pipelines.id", ondelete="CASCADE"), comment="What it happened to"
    )
    run_id: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), comment="Which of its runs"
    )
    event: Mapped[NoticeEvent] = mapped_column(enum_type(NoticeEvent), comment="What happened")
    attempts: Mapped[int] = mapped_column(default=0, comment="How often it was tried to send it")
    due_at: Mapped[float] = mapped_column(
        comment="When it is to be sent; while it is sent, when again"
    )
    done_at: Mapped[float | None] = mapped_column(
        comment="When it had reached every address, or was given up; null: not yet"
    )
    reached: Mapped[JsonObject] = mapped_column(
        comment="Positions of the addresses that have it; the addresses are kept nowhere"
    )
    trouble: Mapped[str | None] = mapped_column(comment="Why it could not be sent the last time")
