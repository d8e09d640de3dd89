"""What the models answered and what the detector said, as rows that SQL can ask about."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grice_core.maxims import Maxim
from grice_core.store.tables.base import Base, CreatedAt, Id, Name, enum_type


class Generation(Base):
    """One response of one model to one prompt."""

    __tablename__ = "generations"
    __table_args__ = (
        UniqueConstraint("run_id", "model", "prompt_index"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), comment="The evaluation"
    )
    model: Mapped[Name] = mapped_column(comment="baseline, or the stage after which it answered")
    prompt_index: Mapped[int] = mapped_column(comment="0-based; the same prompt for every model")
    prompt: Mapped[str] = mapped_column(comment="What the model was given")
    response: Mapped[str] = mapped_column(comment="What it answered")


class Violation(Base):
    """How much one response violates one maxim."""

    __tablename__ = "violations"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - as SQLAlchemy wants it

    generation_id: Mapped[int] = mapped_column(
        ForeignKey("generations.id", ondelete="CASCADE"), primary_key=True, comment="The response"
    )
    maxim: Mapped[Maxim] = mapped_column(
        enum_type(Maxim), primary_key=True, comment="quantity, quality, relation or manner"
    )
    score: Mapped[float] = mapped_column(comment="Violation probability, 0 to 1; lower is better")
    violated: Mapped[bool] = mapped_column(comment="The score is above the detector's threshold")
    second_score: Mapped[float | None] = mapped_column(
        comment="Violation probability by the second judge; null without one"
    )
    second_violated: Mapped[bool | None] = mapped_column(
        comment="The second judge's score is above its threshold"
    )


class Vote(Base):
    """What a person, who does not know which model it is by, says about one response and one maxim."""

    __tablename__ = "votes"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - as SQLAlchemy wants it

    generation_id: Mapped[int] = mapped_column(
        ForeignKey("generations.id", ondelete="CASCADE"), primary_key=True, comment="The response"
    )
    voter: Mapped[Name] = mapped_column(
        primary_key=True, comment="Who is signed in; empty where nobody has to"
    )
    maxim: Mapped[Maxim] = mapped_column(
        enum_type(Maxim), primary_key=True, comment="quantity, quality, relation or manner"
    )
    violated: Mapped[bool] = mapped_column(comment="The person finds the maxim violated")
    created_at: Mapped[CreatedAt]


class Pick(Base):
    """With which chance a prompt was picked to be judged; none for prompts in random order."""

    __tablename__ = "picks"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - as SQLAlchemy wants it

    run_id: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, comment="The evaluation"
    )
    prompt_index: Mapped[int] = mapped_column(
        primary_key=True, comment="0-based; the same prompt for every model"
    )
    voter: Mapped[Name] = mapped_column(
        primary_key=True, comment="Who is signed in; empty where nobody has to"
    )
    relative_chance: Mapped[float] = mapped_column(
        comment="Its chance among the prompts then left, over that of a uniform pick"
    )
    created_at: Mapped[CreatedAt]


class FormerVote(Base):
    """What a person said about a response that a later evaluation has replaced.

    It becomes a vote again should an evaluation bring the same response back.
    """

    __tablename__ = "former_votes"
    __table_args__ = (Index(None, "run_id"), {"sqlite_autoincrement": True})

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), comment="The evaluation"
    )
    model: Mapped[Name] = mapped_column(comment="baseline, or the stage after which it answered")
    prompt_index: Mapped[int] = mapped_column(comment="0-based; the same prompt for every model")
    prompt: Mapped[str] = mapped_column(comment="What the model was given")
    response: Mapped[str] = mapped_column(comment="What it answered then")
    voter: Mapped[Name] = mapped_column(comment="Who is signed in; empty where nobody has to")
    maxim: Mapped[Maxim] = mapped_column(
        enum_type(Maxim), comment="quantity, quality, relation or manner"
    )
    violated: Mapped[bool] = mapped_column(comment="The person finds the maxim violated")
    created_at: Mapped[CreatedAt]
