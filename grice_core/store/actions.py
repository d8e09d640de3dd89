"""What people do to the store: checked against their role, and written into the audit log.

    @writes
    @action("remove pipeline", Role.MEMBER, on=of_pipeline)
    def remove(session: Session, pipeline_id: int) -> None: ...

The check, the change and its line of the log are one transaction: nothing is done without its line, and
no line stands there for what was not done. What workers note of their own work is no action.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import insert
from sqlalchemy.orm import Session

from grice_core.errors import NotAllowedError
from grice_core.store.actors import Actor, Role
from grice_core.store.database import ACTOR, Database
from grice_core.store.tables import AuditEntry

P = ParamSpec("P")
T = TypeVar("T")

_NOTHING_DONE = "nothing done"
_MAX_NAME = 200


@dataclass(frozen=True)
class Target:
    """What something is done to."""

    kind: str
    """pipeline, run, data set …"""
    id: int | None = None
    """None: it has none yet; a new row's id is what the function returns."""
    name: str = ""
    owner: str | None = None
    """Who started it; None: it belongs to everyone; empty: not known, so only an admin may change it."""

    def __str__(self) -> str:
        number = self.kind if self.id is None else f"{self.kind} {self.id}"
        return f"{number}, “{self.name}”" if self.name else number


def action(
    name: str, needs: Role, on: Callable[..., Target]
) -> Callable[[Callable[Concatenate[Session, P], T]], Callable[Concatenate[Session, P], T]]:
    """Make a change one that only some may make, and that is logged; stands under `@writes`.

    Args:
        on: given what the function is given, what it changes.
    """

    def of(work: Callable[Concatenate[Session, P], T]) -> Callable[Concatenate[Session, P], T]:
        @wraps(work)
        def checked_and_logged(session: Session, /, *args: P.args, **kwargs: P.kwargs) -> T:
            actor = acting(session)
            target = on(session, *args, **kwargs)
            refuse_below(actor, needs, target)
            session.info.pop(_NOTHING_DONE, None)
            result = work(session, *args, **kwargs)
            if not session.info.pop(_NOTHING_DONE, False):
                _log(session, actor, name, target, result)
            return result

        return checked_and_logged

    return of


def acting(session: Session) -> Actor:
    """Who a transaction is made for."""
    who: Callable[[], Actor] = session.info[ACTOR]
    return who()


def nothing_done(session: Session) -> None:
    """Say from within an action that all was so already: there is nothing to log."""
    session.info[_NOTHING_DONE] = True


def require(database: Database, needs: Role) -> None:
    """Refuse early what ends in an action, or touches no table.

    Raises:
        NotAllowedError: the actor's role doesn't allow it.
    """
    refuse_below(database.actor(), needs)


def refusal(actor: Actor, needs: Role, target: Target | None = None) -> str:
    """Why an actor may not do something; empty if it may."""
    if not actor.role.includes(needs):
        who = "only admins" if needs is Role.ADMIN else "only members and admins"
        return f"{who} may do this; {actor.name} is a {actor.role}"
    owner = None if target is None else target.owner
    if owner is None or actor.role is Role.ADMIN or actor.owns(owner):
        return ""
    owners = f"{owner} or an admin" if owner else "an admin"
    return f"{target}: only {owners} may do this"


def refuse_below(actor: Actor, needs: Role, target: Target | None = None) -> None:
    """Refuse an actor who may not do something.

    Raises:
        NotAllowedError: and why.
    """
    if reason := refusal(actor, needs, target):
        raise NotAllowedError(reason)


def _log(session: Session, actor: Actor, name: str, target: Target, result: object) -> None:
    made = result if target.id is None and type(result) is int else target.id
    session.execute(
        insert(AuditEntry).values(
            actor=_shortened(actor.name),
            role=actor.role,
            action=name,
            kind=target.kind,
            target_id=made,
            target=_shortened(target.name),
            source=_shortened(actor.source),
        )
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_NAME else f"{text[: _MAX_NAME - 1]}…"
