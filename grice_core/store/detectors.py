"""Detectors: kept once per content, listed newest first."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from grice_core.errors import NotFoundError
from grice_core.store import references
from grice_core.store.actions import Target, action, nothing_done
from grice_core.store.actors import Role
from grice_core.store.artifacts import Address
from grice_core.store.database import reads, writes
from grice_core.store.tables import Detector, JsonObject
from grice_core.store.upsert import insert_into


def _new(session: Session, name: str, *_: object, **__: object) -> Target:  # noqa: ARG001 - as `action` calls it
    return Target("detector", name=name)


@writes
@action("add detector", Role.MEMBER, on=_new)
def add(session: Session, name: str, folder: Address, card: JsonObject) -> int:
    """Keep a detector; returns its id, the old one if the same folder was kept before.

    Args:
        folder: weights, tokenizer, temperatures, thresholds.
        card: what people want to know of it: temperatures, thresholds, quality per maxim.
    """
    references.note(session, folder)
    row = insert_into(session, Detector).values(name=name, artifact_sha256=folder.sha256, card=card)
    added = row.on_conflict_do_nothing(index_elements=["artifact_sha256"]).returning(Detector.id)
    if session.execute(added).one_or_none() is None:
        nothing_done(session)
    return session.scalars(
        select(Detector.id).where(Detector.artifact_sha256 == folder.sha256)
    ).one()


@reads
def get(session: Session, detector_id: int) -> Detector:
    """One detector.

    Raises:
        NotFoundError: there is no such detector.
    """
    detector = session.get(Detector, detector_id)
    if detector is None:
        raise NotFoundError(f"there is no detector {detector_id}")
    return detector


@reads
def page(session: Session, limit: int = 100) -> Sequence[Detector]:
    """The newest detectors first."""
    return session.scalars(select(Detector).order_by(Detector.id.desc()).limit(limit)).all()
