"""What the studio keeps, addressed from a command: `studio:NAME`, `studio:NUMBER`, for recipes `studio:NAME@2`.

The newest that has the name is meant; a number is the one that the dashboard shows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from grice_core.data.columnar import is_columnar, read_pairs
from grice_core.data.export import write_jsonl
from grice_core.data.load import load_pairs
from grice_core.errors import NotFoundError
from grice_core.pipeline.sources import StoredPairs
from grice_core.recipes.config import Recipe
from grice_core.recipes.documents import to_yaml
from grice_core.recipes.load import load_recipe, parse_recipe, read_stored
from grice_core.registry import FILE_SHA256
from grice_core.settings import settings
from grice_core.store import data_sets, detectors, migrate, recipes
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.tables import DataSet, Detector

PREFIX = "studio:"
_MANY = 10_000


def is_address(text: object) -> bool:
    """Whether a command was given an address of the studio instead of a file, folder or hub id."""
    return str(text).startswith(PREFIX)


_Any = TypeVar("_Any", DataSet, Detector)


@dataclass(frozen=True)
class Addresses:
    """Finds what commands address."""

    database: Database
    artifacts: ArtifactStore

    @classmethod
    def open(cls) -> Self:
        """Those of the installation that the environment names.

        Raises:
            StoreError: the database can't be reached.
        """
        database = migrate.opened(settings().database_url)
        return cls(database, ArtifactStore(settings().artifacts_url))

    def data_set(self, address: object) -> DataSet:
        """Raises: NotFoundError."""
        return _find("data set", address, data_sets.page(self.database, limit=_MANY))

    def detector(self, address: object) -> Detector:
        """Raises: NotFoundError."""
        return _find("detector", address, detectors.page(self.database, limit=_MANY))

    def recipe(self, address: str, overrides: Sequence[str] = ()) -> Recipe:
        """A saved recipe, the newest version unless the address names one.

        Raises: NotFoundError, RecipeError.
        """
        name, _, version = address.removeprefix(PREFIX).partition("@")
        for row in recipes.versions(self.database, name):
            if not version or str(row.version) == version:
                title = f"{row.name} v{row.version}"
                recipe = read_stored(row.body, title)
                return parse_recipe(to_yaml(recipe), title, overrides) if overrides else recipe
        raise NotFoundError(_missing("recipe", address))

    def pairs(self, address: object, folder: Path) -> StoredPairs:
        """The pairs of a data set, fetched into a folder.

        Raises: NotFoundError, ArtifactError, DataError.
        """
        data_set = self.data_set(address)
        path = folder / f"{data_set.artifact_sha256}.parquet"
        self.artifacts.fetch_file(data_set.artifact_sha256, path)
        sha256 = data_set.report.get(FILE_SHA256, data_set.sha256)
        return StoredPairs(path, data_set.name, sha256, data_set.num_rows)

    def file(self, address: object, folder: Path) -> Path:
        """The usable pairs of a data set as a file (JSON Lines) in a folder.

        Raises: NotFoundError, ArtifactError, DataError.
        """
        stored = self.pairs(address, folder)
        table = (
            read_pairs(stored.path)
            if is_columnar(stored.path)
            else load_pairs(stored.path).table  # a job may have stored the file that it wrote
        )
        path = folder / f"{Path(stored.name).stem}.jsonl"
        write_jsonl(path, table)
        return path

    def detector_folder(self, address: object, folder: Path) -> Path:
        """A detector, fetched into a folder that is not there yet.

        Raises: NotFoundError, ArtifactError.
        """
        self.artifacts.fetch_folder(self.detector(address).artifact_sha256, folder)
        return folder


def chosen_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """A built-in recipe, a YAML file, or one of the studio, with overrides.

    Raises: RecipeError, NotFoundError.
    """
    if is_address(name):
        return Addresses.open().recipe(name, overrides)
    return load_recipe(name, overrides)


def address_of(kept: DataSet | Detector, others: Sequence[DataSet] | Sequence[Detector]) -> str:
    """How a command names one of these: by its name, or by its number if others have that name."""
    same_name = [other for other in others if other.name == kept.name]
    is_clear = len(same_name) <= 1 and not kept.name.isdecimal()
    return f"{PREFIX}{kept.name if is_clear else kept.id}"


def _find(what: str, address: object, known: Sequence[_Any]) -> _Any:
    wanted = str(address).removeprefix(PREFIX)
    tests: tuple[Callable[[_Any], bool], ...] = (
        lambda one: one.name == wanted,
        lambda one: str(one.id) == wanted,
    )
    for test in tests:
        for one in known:
            if test(one):
                return one
    raise NotFoundError(_missing(what, address))


def _missing(what: str, address: object) -> str:
    wanted = str(address).removeprefix(PREFIX)
    return (
        f"there is no {what} {wanted!r} in {settings().home.absolute()}: see the dashboard for names and "
        "numbers, or set GRICE_HOME to its folder"
    )
