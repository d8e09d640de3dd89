"""What people decide about labels that a detector doubts, shared by all who look through the same file."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from grice_core.maxims import Maxim
from grice_core.store.actions import Target, acting, action
from grice_core.store.actors import Role
from grice_core.store.clock import database_now
from grice_core.store.database import reads, writes
from grice_core.store.tables import LabelDecision
from grice_core.store.upsert import insert_into


def _labels(session: Session, labels_sha256: str, row: int, maxim: Maxim, *_: str) -> Target:  # noqa: ARG001 - as `action` calls it
    return Target("labels", name=f"{labels_sha256[:16]}, row {row}, {maxim}")


@writes
@action("decide about a label", Role.MEMBER, on=_labels)
def decide(session: Session, labels_sha256: str, row: int, maxim: Maxim, choice: str) -> None:
    """Keep a decision, in place of an earlier one about the same label.

    Args:
        labels_sha256: of the labels' file.
        row: 1-based, in that file.
        choice: keep, flip or skip.
    """
    insertion = insert_into(session, LabelDecision)
    values = {"choice": choice, "decided_by": acting(session).name}
    session.execute(
        insertion.on_conflict_do_update(
            index_elements=["labels_sha256", "row", "maxim"],
            set_={**values, "created_at": database_now()},
        ),
        {"labels_sha256": labels_sha256, "row": row, "maxim": maxim, **values},
    )


@writes
@action("take back a decision about a label", Role.MEMBER, on=_labels)
def take_back(session: Session, labels_sha256: str, row: int, maxim: Maxim) -> None:
    """Remove a decision, so that the label is asked about again."""
    session.execute(
        delete(LabelDecision).where(
            LabelDecision.labels_sha256 == labels_sha256,
            LabelDecision.row == row,
            LabelDecision.maxim == maxim,
        )
    )


@reads
def of_labels(session: Session, labels_sha256: str) -> list[LabelDecision]:
    """All decisions about a file's labels, the latest last."""
    query = (
        select(LabelDecision)
        .where(LabelDecision.labels_sha256 == labels_sha256)
        .order_by(LabelDecision.created_at, LabelDecision.row, LabelDecision.maxim)
    )
    return list(session.scalars(query))
