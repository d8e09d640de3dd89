"""All pipelines as rows of a table, however many there are, and what people write on them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, cast, delete, func, insert, select
from sqlalchemy.orm import Session, aliased

from grice_core.errors import InputError, NotFoundError
from grice_core.store.actions import action
from grice_core.store.actors import Role
from grice_core.store.database import reads, writes
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import DataSet, Detector, Pipeline, PipelineTag, Recipe, Run
from grice_core.store.targets import of_pipeline

LONGEST = 200
"""Characters of a name or a tag."""


@dataclass(frozen=True)
class PipelineRow:
    """A pipeline in one line."""

    id: int
    name: str
    recipe: str
    """With its version: `joint v2`."""
    data: str
    prompts: str | None
    """Name of the evaluation's data set."""
    detector: str | None
    """Of those in the store."""
    base: str
    seed: int | None
    started_by: str | None
    note: str | None
    created_at: float
    tags: tuple[str, ...] = ()
    states: frozenset[RunState] = frozenset()
    """Of its runs."""
    began_at: float | None = None
    """When its first run was taken up."""
    ended_at: float | None = None
    """When the last of its runs that has ended did."""
    verdict: str | None = None
    """met, not met or undecided; None: not evaluated yet."""
    cooperative: float | None = None
    """Of the final stage, in percent."""
    is_readable: bool = True
    """False: what it was asked for is damaged; its page says how."""


@reads
def rows(session: Session) -> list[PipelineRow]:
    """All pipelines, the newest first; four queries, however many they are."""
    prompts = aliased(DataSet)
    recipe = Recipe.name + " v" + cast(Recipe.version, String)
    query = (
        select(
            Pipeline.id,
            Pipeline.name,
            recipe.label("recipe"),
            DataSet.name.label("data"),
            prompts.name.label("prompts"),
            Detector.name.label("detector"),
            Pipeline.base,
            Pipeline.spec["seed"].as_string().label("seed"),
            Pipeline.started_by,
            Pipeline.note,
            Pipeline.created_at,
        )
        .join(Recipe, Recipe.id == Pipeline.recipe_id)
        .join(DataSet, DataSet.id == Pipeline.data_set_id)
        .outerjoin(prompts, prompts.id == Pipeline.eval_data_set_id)
        .outerjoin(Detector, Detector.id == Pipeline.detector_id)
        .order_by(Pipeline.id.desc())
    )
    parts = _tags(session), _progress(session), _verdicts(session)
    found = []
    for row in session.execute(query):
        columns = row._asdict()
        columns |= _seed(columns["seed"])
        for part in parts:
            columns |= part.get(row.id, {})
        found.append(PipelineRow(**columns))
    return found


@reads
def stamp(session: Session) -> tuple[Any, ...]:
    """Another one whenever a pipeline or a run came, went or changed its state; cheap.

    Mostly also when a pipeline got another name or tags.
    """
    newest = session.scalars(select(func.max(Pipeline.id))).one()
    named = session.scalars(select(func.sum(func.length(Pipeline.name)))).one()
    tagged = session.scalars(select(func.count()).select_from(PipelineTag)).one()
    states = select(Run.state, func.count()).group_by(Run.state).order_by(Run.state)
    return (newest, named, tagged, *(tuple(row) for row in session.execute(states)))


@writes
@action("annotate pipeline", Role.MEMBER, on=of_pipeline)
def annotate(
    session: Session, pipeline_id: int, *, name: str, tags: Iterable[str], note: str
) -> None:
    """Give a pipeline another name, tags and a note, in place of those that it had.

    Raises:
        NotFoundError: there is no such pipeline.
        InputError: the name is empty, or the name or a tag is too long.
    """
    wanted = sorted({" ".join(tag.split()) for tag in tags} - {""})
    name = " ".join(name.split())
    _refuse_unfit(name, wanted)
    pipeline = session.get(Pipeline, pipeline_id)
    if pipeline is None:
        raise NotFoundError(f"there is no pipeline {pipeline_id}")
    pipeline.name, pipeline.note = name, note.strip() or None
    session.execute(delete(PipelineTag).where(PipelineTag.pipeline_id == pipeline_id))
    if wanted:
        values = [{"pipeline_id": pipeline_id, "tag": tag} for tag in wanted]
        session.execute(insert(PipelineTag), values)


def _refuse_unfit(name: str, tags: Collection[str]) -> None:
    if not name:
        raise InputError("give the pipeline a name")
    for text in (name, *tags):
        if len(text) > LONGEST:
            raise InputError(
                f"“{text[:30]}…” has {len(text)} characters; names and tags may have {LONGEST}"
            )


_Columns = dict[int, dict[str, Any]]
"""By pipeline: field → value."""


def _tags(session: Session) -> _Columns:
    found: dict[int, list[str]] = {}
    query = select(PipelineTag.pipeline_id, PipelineTag.tag).order_by(PipelineTag.tag)
    for pipeline_id, tag in session.execute(query):
        found.setdefault(pipeline_id, []).append(tag)
    return {pipeline_id: {"tags": tuple(tags)} for pipeline_id, tags in found.items()}


def _progress(session: Session) -> _Columns:
    """States of the runs, and when the first began and the last ended."""
    query = (
        select(Run.pipeline_id, Run.state, func.min(Run.started_at), func.max(Run.finished_at))
        .where(Run.pipeline_id.is_not(None))
        .group_by(Run.pipeline_id, Run.state)
    )
    found: dict[int, list[tuple[RunState, float | None, float | None]]] = {}
    for pipeline_id, state, began, ended in session.execute(query):
        found.setdefault(pipeline_id or 0, []).append((state, began, ended))
    return {
        pipeline_id: {
            "states": frozenset(state for state, _, _ in groups),
            "began_at": min((began for _, began, _ in groups if began is not None), default=None),
            "ended_at": max((ended for _, _, ended in groups if ended is not None), default=None),
        }
        for pipeline_id, groups in found.items()
    }


def _verdicts(session: Session) -> _Columns:
    """What the evaluations found; only these parts of their results are read."""
    query = select(
        Run.pipeline_id,
        Run.result["verdict"]["state"].as_string(),
        Run.result["percent"]["cooperative"].as_json(),
    ).where(
        Run.pipeline_id.is_not(None),
        Run.kind == RunKind.EVALUATE,
        Run.state == RunState.SUCCEEDED,
    )
    return {
        pipeline_id: {
            "verdict": verdict,
            "cooperative": _final(percent),
        }
        for pipeline_id, verdict, percent in session.execute(query)
    }


def _seed(said: str | None) -> dict[str, Any]:
    try:
        return {"seed": int(said or "")}
    except ValueError:  # every specification has one
        return {"seed": None, "is_readable": False}


def _final(percent: Any) -> float | None:
    """The last model's; None if there is none, or the row is damaged."""
    last = list(percent.values())[-1] if isinstance(percent, dict) and percent else None
    return float(last) if isinstance(last, int | float) else None
