"""What people say of labels."""

from sqlalchemy.orm import Mapped, mapped_column

from grice_core.maxims import Maxim
from grice_core.store.tables.base import Base, CreatedAt, Name, Sha256, enum_type


class LabelDecision(Base):
    """What a person decided about a label that a detector doubts."""

    __tablename__ = "label_decisions"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - as SQLAlchemy wants it

    labels_sha256: Mapped[Sha256] = mapped_column(
        primary_key=True, comment="Address of the labels' file"
    )
    row: Mapped[int] = mapped_column(primary_key=True, comment="1-based, in that file")
    maxim: Mapped[Maxim] = mapped_column(
        enum_type(Maxim), primary_key=True, comment="quantity, quality, relation or manner"
    )
    choice: Mapped[Name] = mapped_column(comment="keep, flip or skip")
    decided_by: Mapped[Name] = mapped_column(comment="Who decided; empty: not known")
    created_at: Mapped[CreatedAt]
