"""What persons say about answers without knowing which model gave them."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from grice_core.errors import NotFoundError
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store.database import reads, writes
from grice_core.store.tables import Generation, Violation, Vote
from grice_core.store.upsert import insert_into


@dataclass(frozen=True)
class Ballot:
    """One person's judgement of all models' answers to one prompt."""

    run_id: int
    """The evaluation."""
    prompt_index: int
    voter: str
    """Who is signed in; empty where nobody has to."""
    violated: Mapping[str, frozenset[Maxim]]
    """By model: the maxims that its answer violates."""


@dataclass(frozen=True)
class JudgedTwice:
    """What a person and the detector say about one response and one maxim."""

    prompt_index: int
    model: str
    maxim: Maxim
    by_person: bool
    by_detector: bool


@writes
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


@reads
def judged_prompts(session: Session, run_id: int, voter: str) -> set[int]:
    """Indices of the prompts of an evaluation that a person has judged."""
    query = (
        select(Generation.prompt_index)
        .distinct()
        .join(Vote, Vote.generation_id == Generation.id)
        .where(Generation.run_id == run_id, Vote.voter == voter)
    )
    return set(session.scalars(query))


@reads
def judged_twice(session: Session, run_id: int, voter: str) -> list[JudgedTwice]:
    """Everything that a person has judged of an evaluation, beside what the detector says."""
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
        .where(Generation.run_id == run_id, Vote.voter == voter)
        .order_by(Generation.prompt_index, Generation.id)
    )
    return [JudgedTwice(*row) for row in session.execute(query)]
