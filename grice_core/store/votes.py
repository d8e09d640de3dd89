"""What persons say about answers without knowing which model gave them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Select, distinct, func, null, select
from sqlalchemy.orm import Session

from grice_core.errors import NotFoundError
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store.actions import Target, action
from grice_core.store.actors import Role
from grice_core.store.database import reads, writes
from grice_core.store.tables import FormerVote, Generation, Pick, Violation, Vote
from grice_core.store.upsert import insert_into


@dataclass(frozen=True)
class Ballot:
    """One person's judgement of all models' answers to one prompt."""

    run_id: int
    """The evaluation."""
    prompt_index: int
    voter: str
    """Who is signed in; empty where no one has to."""
    violated: Mapping[str, frozenset[Maxim]]
    """By model: the maxims that its answer violates."""
    relative_chance: float | None = None
    """Of the prompt: its chance of being picked over that of a uniform pick; None if it was not picked so."""


@dataclass(frozen=True)
class JudgedTwice:
    """What a person and the detector say about one response and one maxim."""

    prompt_index: int
    model: str
    maxim: Maxim
    by_person: bool
    by_detector: bool


@dataclass(frozen=True)
class Said:
    """What a person said about one response and one maxim."""

    prompt: str
    response: str
    model: str
    maxim: Maxim
    by_person: bool
    by_detector: bool | None
    """None: a later evaluation has replaced the response."""
    by_second: bool | None = None
    """By the second judge; None also where there is none."""


@dataclass(frozen=True)
class JudgedAnswer:
    """One person's judgement of one answer."""

    voter: str
    prompt_index: int
    model: str
    prompt: str
    response: str
    violated: frozenset[Maxim]


@dataclass(frozen=True)
class JudgedPrompt:
    """A prompt some of whose answers were judged, and how it came to be the next one."""

    prompt_index: int
    relative_chance: float
    """1 for uniform picks."""


def _voter(session: Session, ballot: Ballot) -> Target:  # noqa: ARG001 - as `action` calls it
    return Target("run", ballot.run_id, f"prompt {ballot.prompt_index}", ballot.voter)


@writes
@action("judge answers", Role.MEMBER, on=_voter)
def cast(session: Session, ballot: Ballot) -> None:
    """Keep a judgement, in place of an earlier one by the same person.

    Raises:
        NotFoundError: one of the responses is not there any more.
    """
    query = select(Generation.model, Generation.id).where(
        Generation.run_id == ballot.run_id, Generation.prompt_index == ballot.prompt_index
    )
    ids = {row.model: row.id for row in session.execute(query)}
    if not ballot.violated.keys() <= ids.keys():
        raise NotFoundError("these answers were replaced by a new evaluation; reload the page")
    rows = [
        {
            "generation_id": ids[model],
            "voter": ballot.voter,
            "maxim": maxim,
            "violated": maxim in violated,
        }
        for model, violated in ballot.violated.items()
        for maxim in MAXIMS
    ]
    insertion = insert_into(session, Vote)
    session.execute(
        insertion.on_conflict_do_update(
            index_elements=["generation_id", "voter", "maxim"],
            set_={"violated": insertion.excluded.violated},
        ),
        rows,
    )
    if ballot.relative_chance is not None:
        _keep_pick(session, ballot)


def _keep_pick(session: Session, ballot: Ballot) -> None:
    insertion = insert_into(session, Pick)
    session.execute(
        insertion.on_conflict_do_update(
            index_elements=["run_id", "prompt_index", "voter"],
            set_={"relative_chance": insertion.excluded.relative_chance},
        ),
        {
            "run_id": ballot.run_id,
            "prompt_index": ballot.prompt_index,
            "voter": ballot.voter,
            "relative_chance": ballot.relative_chance,
        },
    )


@reads
def judged_prompts(session: Session, run_id: int, voter: str, models: Sequence[str]) -> set[int]:
    """Indices of the prompts of an evaluation to which a person has judged all these models' answers."""
    return set(session.scalars(_judged_prompts(run_id, voter, models)))


@reads
def picked(session: Session, run_id: int, models: Sequence[str]) -> list[JudgedPrompt]:
    """Prompts to which all these models' answers were judged by someone, in the order of their first judgement."""
    first = func.min(Vote.created_at)
    by_person = (
        select(Generation.prompt_index, Pick.relative_chance)
        .join(Vote, Vote.generation_id == Generation.id)
        .outerjoin(
            Pick,
            (Pick.run_id == Generation.run_id)
            & (Pick.prompt_index == Generation.prompt_index)
            & (Pick.voter == Vote.voter),
        )
        .where(Generation.run_id == run_id, Generation.model.in_(models))
        .group_by(Generation.prompt_index, Vote.voter, Pick.relative_chance)
        .having(func.count(distinct(Generation.model)) == len(set(models)))
        .order_by(first, Generation.prompt_index)
    )
    found: dict[int, JudgedPrompt] = {}
    for index, relative_chance in session.execute(by_person):
        found.setdefault(index, JudgedPrompt(index, relative_chance or 1.0))
    return list(found.values())


@reads
def judged_twice(
    session: Session, run_id: int, voter: str, models: Sequence[str]
) -> list[JudgedTwice]:
    """What a person has judged of such prompts' answers by these models, beside what the detector says."""
    query = (
        select(
            Generation.prompt_index,
            Generation.model,
            Vote.maxim,
            Vote.violated,
            Violation.violated,
        )
        .join(Vote, Vote.generation_id == Generation.id)
        .join(
            Violation,
            (Violation.generation_id == Generation.id) & (Violation.maxim == Vote.maxim),
        )
        .where(
            Generation.run_id == run_id,
            Generation.model.in_(models),
            Vote.voter == voter,
            Generation.prompt_index.in_(_judged_prompts(run_id, voter, models)),
        )
        .order_by(Generation.prompt_index, Generation.id, Vote.maxim)
    )
    return [JudgedTwice(*row) for row in session.execute(query)]


@reads
def judged_answers(session: Session, run_id: int) -> list[JudgedAnswer]:
    """What all persons say about the answers of an evaluation that are still there."""
    query = (
        select(
            Vote.voter,
            Generation.prompt_index,
            Generation.model,
            Generation.prompt,
            Generation.response,
            Vote.maxim,
            Vote.violated,
        )
        .join(Vote, Vote.generation_id == Generation.id)
        .where(Generation.run_id == run_id)
        .order_by(Generation.prompt_index, Generation.id, Vote.voter)
    )
    of_person = groupby(
        session.execute(query),
        lambda row: (row.voter, row.prompt_index, row.model, row.prompt, row.response),
    )
    return [
        JudgedAnswer(*answer, frozenset(Maxim(row.maxim) for row in rows if row.violated))
        for answer, rows in of_person
    ]


def _judged_prompts(run_id: int, voter: str, models: Sequence[str]) -> Select[int]:
    """A new evaluation may have replaced the answers of some models and not of others."""
    return (
        select(Generation.prompt_index)
        .join(Vote, Vote.generation_id == Generation.id)
        .where(Generation.run_id == run_id, Generation.model.in_(models), Vote.voter == voter)
        .group_by(Generation.prompt_index)
        .having(func.count(distinct(Generation.model)) == len(set(models)))
    )


@reads
def said(session: Session, run_id: int, voter: str) -> list[Said]:
    """Everything that a person ever said about answers of an evaluation, the latest answers first."""
    of_now = (
        select(
            Generation.prompt,
            Generation.response,
            Generation.model,
            Vote.maxim,
            Vote.violated,
            Violation.violated,
            Violation.second_violated,
        )
        .join(Vote, Vote.generation_id == Generation.id)
        .join(
            Violation,
            (Violation.generation_id == Generation.id) & (Violation.maxim == Vote.maxim),
        )
        .where(Generation.run_id == run_id, Vote.voter == voter)
        .order_by(Generation.prompt_index, Generation.id, Vote.maxim)
    )
    of_once = (
        select(
            FormerVote.prompt,
            FormerVote.response,
            FormerVote.model,
            FormerVote.maxim,
            FormerVote.violated,
            null(),
            null(),
        )
        .where(FormerVote.run_id == run_id, FormerVote.voter == voter)
        .order_by(FormerVote.prompt_index, FormerVote.id)
    )
    return [Said(*row) for query in (of_now, of_once) for row in session.execute(query)]
