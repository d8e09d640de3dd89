"""Which pipelines are old enough to go, and removing them.

A rule says what is kept; what any rule keeps stays. Whatever the rules are, a pipeline stays that is not
finished, that a sweep under way may still need, that people gave a tag or a note, or whose answers they
judged. Data sets, detectors and recipes
are not removed, nor is what another pipeline evaluates of a removed one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    case,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from grice_core.durations import span_s
from grice_core.errors import InputError
from grice_core.store import pipelines
from grice_core.store.actions import action, nothing_done
from grice_core.store.actors import Role
from grice_core.store.clock import database_now
from grice_core.store.database import Database, reads, writes
from grice_core.store.lineage import runs_with, stands_beside, swept_pipelines
from grice_core.store.states import FINISHED
from grice_core.store.tables import (
    FormerVote,
    Generation,
    Pipeline,
    PipelineTag,
    Run,
    Vote,
)
from grice_core.store.targets import of_pipeline

_NEWEST = "last:"
_MOST = 1_000_000


@dataclass(frozen=True)
class Retention:
    """What is kept; None: this rule keeps nothing."""

    younger_than_s: float | None = None
    """Pipelines whose last run ended, or which were submitted, less long ago than this."""
    newest: int | None = None
    """So many of the pipelines that were submitted last."""

    @classmethod
    def parse(cls, rules: Iterable[str]) -> Self:
        """Rules as the command takes them: `30d`, `last:20`.

        Raises:
            InputError: one of them is no rule, or there is none.
        """
        spans, counts = [], []
        for rule in rules:
            if rule.startswith(_NEWEST):
                counts.append(_count(rule))
            else:
                spans.append(_span_s(rule))
        if not spans and not counts:
            raise InputError("say what to keep: 30d, or last:20")
        return cls(max(spans, default=None), max(counts, default=None))


class Reason(StrEnum):
    """Why a pipeline stays; the first that is true."""

    UNFINISHED = "not finished"
    SWEPT = "of a sweep that is under way"
    NOTED = "with a tag or a note"
    JUDGED = "judged by people"
    YOUNG = "young enough"
    NEWEST = "among the newest"


@dataclass(frozen=True)
class PipelineAge:
    """A pipeline, and what decides whether it stays."""

    id: int
    name: str
    started_by: str | None
    ended_at: float
    """Seconds since 1970: when its last run ended, or when it was submitted if that was later."""
    age_s: float
    is_unfinished: bool
    is_swept: bool
    is_noted: bool
    is_judged: bool

    def why_kept(self, rules: Retention, newest_from: int) -> Reason | None:
        """The first reason for it to stay; None: it may go.

        Args:
            newest_from: the least number of those that `rules.newest` keeps.
        """
        is_young = rules.younger_than_s is not None and self.age_s < rules.younger_than_s
        reasons = {
            Reason.UNFINISHED: self.is_unfinished,
            Reason.SWEPT: self.is_swept,
            Reason.NOTED: self.is_noted,
            Reason.JUDGED: self.is_judged,
            Reason.YOUNG: is_young,
            Reason.NEWEST: rules.newest is not None and self.id >= newest_from,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)


@dataclass(frozen=True)
class RetentionPlan:
    """What rules do to the pipelines that there are."""

    rules: Retention
    expired: tuple[PipelineAge, ...]
    """Those that may go, the newest first."""
    kept: dict[Reason, int]
    """How many stay, by the first reason for it."""
    newest_from: int


@reads
def plan(session: Session, rules: Retention) -> RetentionPlan:
    """Look which pipelines may go; nothing is changed."""
    newest_from = _newest_from(session, rules)
    expired: list[PipelineAge] = []
    kept: dict[Reason, int] = {}
    for pipeline in _ages(session):
        reason = pipeline.why_kept(rules, newest_from)
        if reason is None:
            expired.append(pipeline)
        else:
            kept[reason] = kept.get(reason, 0) + 1
    return RetentionPlan(rules, tuple(expired), kept, newest_from)


def remove_expired(database: Database, planned: RetentionPlan) -> list[PipelineAge]:
    """Remove what a plan lets go, each pipeline in a transaction of its own.

    One that was resumed, tagged or judged meanwhile stays. The next collection throws away what only
    the others needed.

    Returns:
        Those that were removed.

    Raises:
        NotAllowedError: the actor is no admin.
    """
    return [one for one in planned.expired if _remove(database, one.id, planned)]


@writes
@action("remove pipeline", Role.ADMIN, on=of_pipeline)
def _remove(session: Session, pipeline_id: int, planned: RetentionPlan) -> bool:
    """Remove one pipeline, unless there is a reason for it to stay by now; returns whether it went."""
    _lock(session, pipeline_id)
    now = next(_ages(session, pipeline_id), None)
    if now is None or now.why_kept(planned.rules, planned.newest_from) is not None:
        nothing_done(session)
        return False
    pipelines.remove_rows(session, pipeline_id)
    return True


def _lock(session: Session, pipeline_id: int) -> None:
    """Let no one claim or resume its runs, tag it or judge its answers until this is through."""
    of_it = runs_with([pipeline_id])
    answers = select(Generation.id).where(Generation.run_id.in_(of_it))
    for rows in (select(Pipeline.id).where(Pipeline.id == pipeline_id), of_it, answers):
        session.execute(rows.with_for_update()).all()


def _newest_from(session: Session, rules: Retention) -> int:
    """The least number of the newest pipelines that are kept: all of them, if there are no more."""
    if not rules.newest:
        return 0
    last = select(Pipeline.id).order_by(Pipeline.id.desc()).offset(rules.newest - 1).limit(1)
    return session.scalars(last).one_or_none() or 0


def _ages(session: Session, pipeline_id: int | None = None) -> Iterator[PipelineAge]:
    """All pipelines, or this one; the newest first."""
    query = _query()
    if pipeline_id is not None:
        query = query.where(Pipeline.id == pipeline_id)
    for row in session.execute(query):
        yield PipelineAge(**row._mapping)


def _query() -> Select[int, str, str | None, float, float, bool, bool, bool, bool]:
    runs = (
        select(
            Run.pipeline_id,
            func.max(Run.finished_at).label("ended_at"),
            func.count().filter(Run.state.not_in(FINISHED)).label("num_unfinished"),
        )
        .group_by(Run.pipeline_id)
        .subquery()
    )
    ended_at = _later(Pipeline.created_at, runs.c.ended_at)
    return (
        select(
            Pipeline.id,
            Pipeline.name,
            Pipeline.started_by,
            ended_at.label("ended_at"),
            (database_now() - ended_at).label("age_s"),
            or_(
                func.coalesce(runs.c.num_unfinished, 0) > 0,
                exists().where(stands_beside(Pipeline.id), Run.state.not_in(FINISHED)),
            ).label("is_unfinished"),
            Pipeline.id.in_(swept_pipelines()).label("is_swept"),
            or_(
                func.coalesce(Pipeline.note, "") != "",
                exists().where(PipelineTag.pipeline_id == Pipeline.id),
            ).label("is_noted"),
            Pipeline.id.in_(_judged()).label("is_judged"),
        )
        .outerjoin(runs, runs.c.pipeline_id == Pipeline.id)
        .order_by(Pipeline.id.desc())
    )


def _later(one: SQLColumnExpression[float], other: ColumnElement[float]) -> ColumnElement[float]:
    """The later of two times, of which the other may be null."""
    return case((func.coalesce(other, 0.0) > one, other), else_=one)


def _judged() -> Select[int]:
    """Numbers of the pipelines whose answers people judged."""
    now = (
        select(Run.pipeline_id)
        .join(Generation, Generation.run_id == Run.id)
        .join(Vote, Vote.generation_id == Generation.id)
    )
    before = select(Run.pipeline_id).join(FormerVote, FormerVote.run_id == Run.id)
    judged = now.union(before).subquery()
    return select(judged.c.pipeline_id).where(judged.c.pipeline_id.is_not(None))


def _count(rule: str) -> int:
    count = rule.removeprefix(_NEWEST)
    if not count.isdecimal() or not 1 <= int(count) <= _MOST:
        raise InputError(f"{rule!r} is no rule: write last:20 for the 20 newest pipelines")
    return int(count)


def _span_s(rule: str) -> float:
    try:
        return span_s(rule)
    except InputError:
        raise InputError(
            f"{rule!r} is no rule: write 30d (or 12h) for what is younger, or last:20 for the newest"
        ) from None
