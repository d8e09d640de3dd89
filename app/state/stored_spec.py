"""What a row says that was stored as JSON: it may come from another version, or be damaged."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from grice_core.errors import DataError, RecipeError
from grice_core.recipes.config import Recipe
from grice_core.recipes.load import read_stored
from grice_core.store.tables import Pipeline, Run


@contextmanager
def reading(row: Pipeline | Run) -> Iterator[None]:
    """Say in one sentence that a row can't be read, so that all others are shown.

    Raises:
        DataError: something in the block is missing in the row's JSON, or of another kind.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RecipeError) as error:
        name = f"{'pipeline' if isinstance(row, Pipeline) else 'run'} {row.id}"
        reason = f"there is no {error}" if isinstance(error, LookupError) else str(error)
        reason = " ".join(reason.split())  # in one line
        raise DataError(f"{name} can't be read: {reason}") from error


@dataclass(frozen=True)
class StoredSpec:
    """As much of a specification as pages rely on."""

    recipe: Recipe
    seed: int


def spec_of(row: Pipeline | Run) -> StoredSpec:
    """What a pipeline, or one of its runs, was asked for.

    Raises:
        DataError: that can't be read.
    """
    with reading(row):
        return StoredSpec(read_stored(row.spec["recipe"], "its recipe"), int(row.spec["seed"]))


def why_unreadable(row: Pipeline | Run) -> str | None:
    """Why it can't be read what a row was asked for; None: it can."""
    try:
        spec_of(row)
    except DataError as error:
        return str(error)
    return None
