"""Votes on answers that a new evaluation replaces: kept, and votes again where an answer comes again."""

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from grice_core.store.tables import FormerVote, Generation, Vote


def set_aside(session: Session, run_id: int, model: str | None = None) -> None:
    """Keep the votes on answers that are about to be deleted, of one model or of all, as former ones."""
    of_answer = (Generation.prompt_index, Generation.prompt, Generation.response)
    of_vote = (Vote.voter, Vote.maxim, Vote.violated, Vote.created_at)
    query = (
        select(Generation.run_id, Generation.model, *of_answer, *of_vote)
        .join(Vote, Vote.generation_id == Generation.id)
        .where(Generation.run_id == run_id)
    )
    if model is not None:
        query = query.where(Generation.model == model)
    names = list(query.selected_columns.keys())
    session.execute(insert(FormerVote).from_select(names, query))


def bring_back(session: Session, run_id: int, model: str) -> None:
    """Make votes again of those former ones whose answers a model has given again."""
    of_vote = (FormerVote.voter, FormerVote.maxim, FormerVote.violated, FormerVote.created_at)
    given_again = (
        select(Generation.id.label("generation_id"), *of_vote, FormerVote.id)
        .join(
            FormerVote,
            (Generation.run_id == FormerVote.run_id)
            & (Generation.model == FormerVote.model)
            & (Generation.prompt_index == FormerVote.prompt_index)
            & (Generation.prompt == FormerVote.prompt)
            & (Generation.response == FormerVote.response),
        )
        .where(FormerVote.run_id == run_id, FormerVote.model == model)
    )
    rows = session.execute(given_again).all()
    if not rows:
        return
    votes = [row._asdict() for row in rows]
    former = [vote.pop("id") for vote in votes]
    session.execute(insert(Vote), votes)
    session.execute(delete(FormerVote).where(FormerVote.id.in_(former)))
