"""Recipes and their versions; a version never changes."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from grice_core.errors import NotFoundError
from grice_core.store.actions import Target, action, nothing_done
from grice_core.store.actors import Role
from grice_core.store.database import reads, writes
from grice_core.store.json_text import digest_of
from grice_core.store.tables import JsonObject, Recipe, SweepMember
from grice_core.store.upsert import insert_into


@dataclass(frozen=True)
class RecipeDraft:
    """A recipe to be saved."""

    name: str
    body: JsonObject
    forked_from: int | None = None


def _named(session: Session, name: str, *_: object, **__: object) -> Target:  # noqa: ARG001 - as `action` calls it
    return Target("recipe", name=name)


@writes
@action("save recipe", Role.MEMBER, on=_named)
def save(session: Session, name: str, body: JsonObject, forked_from: int | None = None) -> int:
    """Keep a recipe as the next version of its name; returns the version's id.

    A body that the name had before is that version, not a new one.
    """
    draft = RecipeDraft(name, body, forked_from)
    if session.scalars(_same(draft)).one_or_none() is not None:
        nothing_done(session)
    return keep(session, draft)


def keep(session: Session, draft: RecipeDraft) -> int:
    """The same as part of a larger transaction."""
    known = _same(draft)
    recipe_id = session.scalars(known).one_or_none()
    while recipe_id is None:
        versions = select(func.coalesce(func.max(Recipe.version), 0)).where(
            Recipe.name == draft.name
        )
        row = insert_into(session, Recipe).values(
            name=draft.name,
            version=session.scalars(versions).one() + 1,
            digest=digest_of(draft.body),
            body=draft.body,
            forked_from=draft.forked_from,
        )
        # Another process may take the version, or save the same body, at the same moment.
        session.execute(row.on_conflict_do_nothing())
        recipe_id = session.scalars(known).one_or_none()
    return recipe_id


def _same(draft: RecipeDraft) -> Select[int]:
    digest = digest_of(draft.body)
    return select(Recipe.id).where(Recipe.name == draft.name, Recipe.digest == digest)


@reads
def get(session: Session, recipe_id: int) -> Recipe:
    """One version of a recipe.

    Raises:
        NotFoundError: there is no such version.
    """
    recipe = session.get(Recipe, recipe_id)
    if recipe is None:
        raise NotFoundError(f"there is no recipe {recipe_id}")
    return recipe


@reads
def newest(session: Session) -> Sequence[Recipe]:
    """The newest version of every recipe, by name; without those of sweeps' trials."""
    of_trial = exists().where(SweepMember.recipe_id == Recipe.id)
    last = select(Recipe.name, func.max(Recipe.version).label("version")).where(~of_trial)
    latest = last.group_by(Recipe.name).subquery()
    return session.scalars(
        select(Recipe)
        .join(latest, (Recipe.name == latest.c.name) & (Recipe.version == latest.c.version))
        .order_by(Recipe.name)
    ).all()


@reads
def versions(session: Session, name: str) -> Sequence[Recipe]:
    """All versions of a recipe, the newest first."""
    return session.scalars(
        select(Recipe).where(Recipe.name == name).order_by(Recipe.version.desc())
    ).all()
