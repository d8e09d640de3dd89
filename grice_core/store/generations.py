"""What the models answered, and questions such as "which prompts does stage 2 break on manner?"."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Integer, ScalarSelect, cast, delete, func, insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from grice_core.maxims import MAXIMS, Maxim
from grice_core.store import former_votes
from grice_core.store.claims import Claim, hold
from grice_core.store.database import reads, writes
from grice_core.store.tables import Generation, Violation


@dataclass(frozen=True)
class Judgement:
    """What a judge says about one response and one maxim."""

    score: float
    """Violation probability, 0 to 1; lower is better."""
    violated: bool


@dataclass(frozen=True)
class Answer:
    """One model's response to one prompt, judged by the training judge and perhaps by a second one."""

    prompt_index: int
    """0-based; the same prompt for every model."""
    prompt: str
    response: str
    judgements: dict[Maxim, Judgement]
    second_judgements: dict[Maxim, Judgement] = field(default_factory=dict)
    """Empty without a second judge."""


class Change(StrEnum):
    """What a later model did to a prompt's answer, on one maxim."""

    BROKEN = "broken"
    """Not violated before, violated after."""
    FIXED = "fixed"
    """Violated before, not violated after."""
    ANY = "any"
    """Every prompt."""


@dataclass(frozen=True)
class ChangedAnswer:
    """One prompt's answers by two models, judged on one maxim."""

    prompt_index: int
    prompt: str
    response_before: str
    response_after: str
    score_before: float
    score_after: float


@dataclass(frozen=True)
class Comparison:
    """Which two models of an evaluation are compared, and on which maxim."""

    run_id: int
    """The evaluation."""
    maxim: Maxim
    before: str
    """`baseline`, or a stage."""
    after: str


@writes
def replace(session: Session, claim: Claim, model: str, answers: Sequence[Answer]) -> None:
    """Store all answers of one model, in place of those that an earlier attempt stored.

    What persons said about the earlier ones stays with those that are the same, and is kept as
    former votes of the others.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    hold(session, claim)
    former_votes.set_aside(session, claim.run_id, model)
    session.execute(
        delete(Generation).where(Generation.run_id == claim.run_id, Generation.model == model)
    )
    if answers:
        _insert(session, claim, model, answers)
        former_votes.bring_back(session, claim.run_id, model)


def _insert(session: Session, claim: Claim, model: str, answers: Sequence[Answer]) -> None:
    rows = [
        {
            "run_id": claim.run_id,
            "model": model,
            "prompt_index": answer.prompt_index,
            "prompt": answer.prompt,
            "response": answer.response,
        }
        for answer in answers
    ]
    ids = session.scalars(
        insert(Generation).returning(Generation.id, sort_by_parameter_order=True), rows
    )
    violations = [
        {
            "generation_id": generation_id,
            "maxim": maxim,
            "score": judgement.score,
            "violated": judgement.violated,
            **_second(answer.second_judgements.get(maxim)),
        }
        for generation_id, answer in zip(ids, answers, strict=True)
        for maxim, judgement in answer.judgements.items()
    ]
    if violations:
        session.execute(insert(Violation), violations)


def _second(judgement: Judgement | None) -> dict[str, float | bool | None]:
    if judgement is None:
        return {"second_score": None, "second_violated": None}
    return {"second_score": judgement.score, "second_violated": judgement.violated}


@reads
def changes(
    session: Session, comparison: Comparison, change: Change = Change.ANY, limit: int = 100
) -> list[ChangedAnswer]:
    """The prompts whose answers got worse or better on a maxim, the largest change first.

    "Which prompts does stage 2 break on manner?" is
    `changes(database, Comparison(run_id, Maxim.MANNER, "stage1", "stage2"), Change.BROKEN)`.
    """
    before, after = aliased(Generation), aliased(Generation)
    judged_before, judged_after = aliased(Violation), aliased(Violation)
    query = (
        select(
            after.prompt_index,
            after.prompt,
            before.response,
            after.response,
            judged_before.score,
            judged_after.score,
        )
        .join(before, (before.run_id == after.run_id) & (before.prompt_index == after.prompt_index))
        .join(judged_before, judged_before.generation_id == before.id)
        .join(judged_after, judged_after.generation_id == after.id)
        .where(
            after.run_id == comparison.run_id,
            after.model == comparison.after,
            before.model == comparison.before,
            judged_before.maxim == comparison.maxim,
            judged_after.maxim == comparison.maxim,
        )
        .order_by(func.abs(judged_after.score - judged_before.score).desc(), after.prompt_index)
        .limit(limit)
    )
    if change is not Change.ANY:
        broken = change is Change.BROKEN
        query = query.where(judged_before.violated == (not broken), judged_after.violated == broken)
    return [ChangedAnswer(*row) for row in session.execute(query)]


@reads
def asked(session: Session, run_ids: Sequence[int], model: str) -> dict[int, list[str]]:
    """The prompts of one model's answers in each of these evaluations, a prompt as often as it answered."""
    query = select(Generation.run_id, Generation.prompt).where(
        Generation.run_id.in_(run_ids), Generation.model == model
    )
    found: dict[int, list[str]] = {}
    for run_id, prompt in session.execute(query):
        found.setdefault(run_id, []).append(prompt)
    return found


@reads
def violation_rates(
    session: Session, run_id: int, by_second: bool = False
) -> dict[str, dict[Maxim, float]]:
    """For each model of an evaluation, the share of its answers that violates each maxim, 0 to 1.

    Args:
        by_second: by the second judge; a model that it did not judge has no rates.
    """
    violated = Violation.second_violated if by_second else Violation.violated
    # A look-up by key for each answer and maxim: joined to its judgements instead, Postgres reads the
    # whole table as long as it has no statistics of it.
    rates_of = [func.avg(_is_violated(violated, maxim)) for maxim in MAXIMS]
    query = (
        select(Generation.model, *rates_of)
        .where(Generation.run_id == run_id)
        .group_by(Generation.model)
    )
    return {
        model: {
            maxim: float(rate)
            for maxim, rate in zip(MAXIMS, rates, strict=True)
            if rate is not None
        }
        for model, *rates in session.execute(query)
    }


def _is_violated(violated: InstrumentedAttribute[Any], maxim: Maxim) -> ScalarSelect[int]:
    """1 or 0 for an answer; null if it was not judged on this maxim."""
    return (
        select(cast(violated, Integer))
        .where(Violation.generation_id == Generation.id, Violation.maxim == maxim)
        .scalar_subquery()
    )


@reads
def answers(session: Session, run_id: int, prompt_index: int) -> dict[str, Answer]:
    """What became of one prompt: the answer of each model, by model."""
    query = (
        select(Generation, Violation)
        .join(Violation, Violation.generation_id == Generation.id)
        .where(Generation.run_id == run_id, Generation.prompt_index == prompt_index)
        .order_by(Generation.id)
    )
    found: dict[str, Answer] = {}
    for generation, violation in session.execute(query):
        answer = found.setdefault(
            generation.model, Answer(prompt_index, generation.prompt, generation.response, {}, {})
        )
        maxim = violation.maxim
        answer.judgements[maxim] = Judgement(violation.score, violation.violated)
        if violation.second_score is not None:
            answer.second_judgements[maxim] = Judgement(
                violation.second_score, bool(violation.second_violated)
            )
    return found
