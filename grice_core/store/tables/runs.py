"""Runs and what they write while they run: metrics, log positions, artifacts."""

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grice_core.store.states import Device, RunKind, RunState
from grice_core.store.tables.base import Base, CreatedAt, Id, JsonObject, Name, Sha256, enum_type


class Run(Base):
    """One job: what is asked for, who works on it, how far it is."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("key"),
        Index(None, "pipeline_id"),
        Index(None, "kind", "state"),
        # The queue in its order; its first column also finds the running ones and counts states.
        Index("ix_runs_queue", "state", "device", "priority", "position"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    key: Mapped[Name] = mapped_column(comment="Submitting the same key again changes nothing")
    pipeline_id: Mapped[int | None] = mapped_column(
        ForeignKey("pipelines.id", ondelete="CASCADE"), comment="Null: stands on its own"
    )
    kind: Mapped[RunKind] = mapped_column(enum_type(RunKind), comment="What it does")
    stage: Mapped[Name | None] = mapped_column(comment="Stage of the recipe that it trains")
    spec: Mapped[JsonObject] = mapped_column(comment="What the job is called with")
    created_at: Mapped[CreatedAt]

    # Its place in the queue.
    device: Mapped[Device] = mapped_column(enum_type(Device), comment="Class of worker it needs")
    priority: Mapped[int] = mapped_column(default=0, comment="Higher goes first")
    position: Mapped[int] = mapped_column(comment="Order among runs of the same priority")

    # Where it stands; changed by `transitions` only.
    state: Mapped[RunState] = mapped_column(
        enum_type(RunState), default=RunState.QUEUED, comment="Where it stands"
    )
    stop_requested: Mapped[bool] = mapped_column(
        default=False, comment="Somebody asked it to write a checkpoint and stop"
    )
    stale: Mapped[bool] = mapped_column(
        default=False, comment="Something it was built on has been run again since it started"
    )
    round: Mapped[int] = mapped_column(
        default=0, comment="How often it was begun again from nothing"
    )
    attempt: Mapped[int] = mapped_column(default=0, comment="How often it was claimed, ever")
    futile_attempts: Mapped[int] = mapped_column(
        default=0, comment="Claims since it last got further than ever before"
    )
    error: Mapped[str | None] = mapped_column(comment="Why it failed or was interrupted, in words")
    # A round that is under way has here what it found so far.
    result: Mapped[JsonObject | None] = mapped_column(comment="What it found, once it succeeded")

    # Who works on it.
    owner: Mapped[str | None] = mapped_column(comment="Worker that holds it, as host and process")
    token: Mapped[int] = mapped_column(
        default=0, comment="Grows with every change of owner; an older token's writes are refused"
    )
    pid: Mapped[int | None] = mapped_column(comment="Process id of the job on the owner's host")
    heartbeat_at: Mapped[float | None] = mapped_column(comment="Last sign of life of its owner")
    lease_until: Mapped[float | None] = mapped_column(comment="When its owner counts as vanished")

    # How far it is.
    step: Mapped[int] = mapped_column(default=0, comment="Steps done; falls back on resuming")
    furthest_step: Mapped[int] = mapped_column(default=0, comment="Most steps ever done")
    num_steps: Mapped[int | None] = mapped_column(comment="Steps in all; null until known")
    started_at: Mapped[float | None] = mapped_column(comment="First claim since it was begun anew")
    finished_at: Mapped[float | None] = mapped_column(comment="When it reached its last state")
    checkpoint_step: Mapped[int | None] = mapped_column(
        comment="Steps that its last checkpoint holds; null: there is none"
    )
    pace_s: Mapped[float | None] = mapped_column(
        comment="Seconds per step, on average since this attempt began; null until known"
    )
    troubles: Mapped[JsonObject | None] = mapped_column(
        comment="What a person should know of its training: kind → sentence"
    )
    started_by: Mapped[Name | None] = mapped_column(comment="Who asked for it; null: not known")


class RunParent(Base):
    """A run waits for its parents, and is built on what they made."""

    __tablename__ = "run_parents"
    __table_args__ = (Index(None, "parent_id"), {"sqlite_with_rowid": False})

    run_id: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, comment="The run that waits"
    )
    parent_id: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, comment="What it waits for"
    )


class Pause(Base):
    """A class of workers that shall take nothing new; what runs goes on."""

    __tablename__ = "pauses"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - as SQLAlchemy wants it

    device: Mapped[Device] = mapped_column(
        enum_type(Device), primary_key=True, comment="Class of worker"
    )
    created_at: Mapped[CreatedAt]


class Metric(Base):
    """All numbers of one step of a run; the key makes a doubled step impossible.

    One row per step rather than per number: a page reads whole steps, and 20 times fewer rows.
    """

    __tablename__ = "metrics"
    # Without a rowid the rows of a run lie side by side on disk, in the order of their steps.
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - as SQLAlchemy wants it

    run_id: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, comment="Whose step"
    )
    step: Mapped[int] = mapped_column(primary_key=True, comment="1-based optimizer step")
    numbers: Mapped[JsonObject] = mapped_column(comment="Name → number; null: not finite")


class SampledAnswerRow(Base):
    """What a model in training answers to a held-out prompt."""

    __tablename__ = "sampled_answers"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - as SQLAlchemy wants it

    run_id: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, comment="The training"
    )
    step: Mapped[int] = mapped_column(
        primary_key=True, comment="Optimizer steps taken before it was asked"
    )
    place: Mapped[int] = mapped_column(
        primary_key=True, comment="0-based; the same prompt at every step"
    )
    prompt: Mapped[str] = mapped_column(comment="What the model was given")
    answer: Mapped[str] = mapped_column(comment="What it answered")
    is_cut: Mapped[bool] = mapped_column(comment="It ended at the token limit")


class LogPosition(Base):
    """How much of the log of one attempt can be read, and where."""

    __tablename__ = "log_positions"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - as SQLAlchemy wants it

    run_id: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, comment="Whose log"
    )
    attempt: Mapped[int] = mapped_column(primary_key=True, comment="Each attempt has its own log")
    name: Mapped[str] = mapped_column(comment="Name in the artifact store")
    size_bytes: Mapped[int] = mapped_column(BigInteger, comment="Bytes that are safely there")
    updated_at: Mapped[float] = mapped_column(comment="When it last grew")


class RunArtifact(Base):
    """An artifact that a run made, by the role it plays."""

    __tablename__ = "run_artifacts"
    __table_args__ = (Index(None, "sha256"), {"sqlite_with_rowid": False})

    run_id: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, comment="Who made it"
    )
    role: Mapped[Name] = mapped_column(
        primary_key=True, comment="checkpoint, adapter, own_adapter, report …"
    )
    sha256: Mapped[Sha256] = mapped_column(ForeignKey("artifacts.sha256"), comment="What it made")
