"""What every page works with: the database, the artifacts, the folders, opened once per process."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from grice_core.settings import Settings
from grice_core.store import migrate
from grice_core.store.actors import Actor, this_account
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database


@dataclass(frozen=True)
class Studio:
    """One installation."""

    database: Database
    artifacts: ArtifactStore
    home: Path

    @classmethod
    def open(cls, settings: Settings, actor: Callable[[], Actor] = this_account) -> "Studio":
        """Open an installation; an empty database gets its tables.

        Args:
            actor: says who asks for what is done with it.

        Raises:
            StoreError: the database can't be reached, or has the tables of another version.
        """
        database = replace(migrate.opened(settings.database_url), actor=actor)
        return cls(database, ArtifactStore(settings.artifacts_url), settings.home)

    @property
    def scratch(self) -> Path:
        """A folder for files that are needed for a moment."""
        folder = self.home / "tmp"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
