"""What models answer while they train: written by the owner of a run, read by its pages.

A run that continues from a checkpoint asks some prompts a second time; the answers replace those that were there.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from grice_core.progress import SampledAnswer
from grice_core.store.claims import Claim, hold
from grice_core.store.database import reads, writes
from grice_core.store.tables import SampledAnswerRow
from grice_core.store.upsert import insert_into


@writes
def record(session: Session, claim: Claim, answers: Sequence[SampledAnswer]) -> None:
    """Store answers, in place of those to the same prompts after the same steps.

    Raises:
        StaleOwnerError: the run is not the claim's any more; nothing was stored.
    """
    hold(session, claim)
    if not answers:
        return
    insert = insert_into(session, SampledAnswerRow)
    new = {name: insert.excluded[name] for name in ("prompt", "answer", "is_cut")}
    upsert = insert.on_conflict_do_update(index_elements=["run_id", "step", "place"], set_=new)
    session.execute(upsert, [_row(claim.run_id, answer) for answer in answers])


@reads
def steps_of(session: Session, run_id: int) -> list[int]:
    """The steps after which a run's model was asked, in order."""
    table = SampledAnswerRow
    query = select(table.step).where(table.run_id == run_id).distinct().order_by(table.step)
    return list(session.scalars(query))


@reads
def of_run(
    session: Session, run_id: int, steps: Collection[int] | None = None
) -> list[SampledAnswer]:
    """The answers of a run, after these steps or all, in the order of steps and prompts."""
    table = SampledAnswerRow
    query = (
        select(table.step, table.place, table.prompt, table.answer, table.is_cut)
        .where(table.run_id == run_id)
        .order_by(table.step, table.place)
    )
    if steps is not None:
        query = query.where(table.step.in_(steps))
    return [SampledAnswer(*row) for row in session.execute(query)]


def _row(run_id: int, answer: SampledAnswer) -> dict[str, object]:
    return {
        "run_id": run_id,
        "step": answer.step,
        "place": answer.place,
        "prompt": _storable(answer.prompt),
        "answer": _storable(answer.answer),
        "is_cut": answer.is_cut,
    }


def _storable(text: str) -> str:
    """Without the one character that Postgres has no place for."""
    return text.replace("\0", "�")
