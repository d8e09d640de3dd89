"""Searches of settings, and the pipelines that they consist of."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grice_core.store.states import Device, SweepState
from grice_core.store.tables.base import Base, CreatedAt, Id, JsonObject, Name, enum_type


class Sweep(Base):
    """A search of settings: many pipelines that differ in some fields of their recipe, one winner."""

    __tablename__ = "sweeps"
    __table_args__ = (
        UniqueConstraint("key"),
        Index(None, "state"),
        Index(None, "recipe_id"),
        Index(None, "data_set_id"),
        Index(None, "eval_data_set_id"),
        Index(None, "detector_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    key: Mapped[Name] = mapped_column(comment="Submitting the same key again changes nothing")
    name: Mapped[Name] = mapped_column(comment="What people call it")
    recipe_id: Mapped[int] = mapped_column(
        ForeignKey("recipes.id"), comment="Version of the recipe as it is"
    )
    data_set_id: Mapped[int] = mapped_column(ForeignKey("data_sets.id"), comment="Pairs to learn")
    eval_data_set_id: Mapped[int] = mapped_column(
        ForeignKey("data_sets.id"), comment="Prompts, of which one half is for the search"
    )
    detector_id: Mapped[int | None] = mapped_column(
        ForeignKey("detectors.id"), comment="Judge of the responses"
    )
    device: Mapped[Device] = mapped_column(enum_type(Device), comment="Class of worker it needs")
    pipeline: Mapped[JsonObject] = mapped_column(
        comment="What the pipeline of the recipe as it is is asked to do"
    )
    search: Mapped[JsonObject] = mapped_column(
        comment="What is varied; number of trials and seeds, minutes, how many at once"
    )
    state: Mapped[SweepState] = mapped_column(
        enum_type(SweepState), default=SweepState.RUNNING, comment="Where it stands"
    )
    error: Mapped[str | None] = mapped_column(comment="Why it can't continue, in words")
    result: Mapped[JsonObject | None] = mapped_column(comment="All figures, once it succeeded")
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[float | None] = mapped_column(comment="When it reached its last state")
    started_by: Mapped[Name | None] = mapped_column(comment="Who submitted it; null: not known")


class SweepMember(Base):
    """One pipeline of a search; its figures stay when the pipeline is removed."""

    __tablename__ = "sweep_members"
    __table_args__ = (
        Index(None, "pipeline_id"),
        Index(None, "recipe_id"),
        {"sqlite_with_rowid": False},
    )

    sweep_id: Mapped[int] = mapped_column(
        ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True, comment="The search"
    )
    name: Mapped[Name] = mapped_column(
        primary_key=True, comment="as-it-is, or the trial's number in three digits"
    )
    seed: Mapped[int] = mapped_column(primary_key=True, comment="Of the pipeline")
    half: Mapped[Name] = mapped_column(
        primary_key=True, comment="Of the prompts: search or confirmation"
    )
    params: Mapped[JsonObject] = mapped_column(comment="Field of the recipe → value")
    recipe_id: Mapped[int | None] = mapped_column(
        ForeignKey("recipes.id"), comment="Version with these values; null: the recipe as it is"
    )
    pipeline_id: Mapped[int | None] = mapped_column(
        ForeignKey("pipelines.id", ondelete="SET NULL"),
        comment="Null: not submitted yet, or removed",
    )
    submitted: Mapped[bool] = mapped_column(default=False, comment="Its pipeline is in the queue")
    rates: Mapped[JsonObject | None] = mapped_column(
        comment="Measure → rate, low, high, after the last stage; null: not known yet"
    )
    failure: Mapped[str | None] = mapped_column(comment="Why it came to nothing")
    seconds: Mapped[float] = mapped_column(default=0.0, comment="That its runs took")
    created_at: Mapped[CreatedAt]
