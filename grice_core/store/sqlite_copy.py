"""A copy of a SQLite database that others are writing to: whole, and of one moment."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from grice_core.errors import DataError, StoreError
from grice_core.files import sync_folder

_WAITS_S = 60.0


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database, by SQLite's own online backup; a crash leaves no half of a copy.

    Raises:
        StoreError: it can't be read, or there is no room for the copy.
    """
    temporary = target.with_name(f".{target.name}.part")
    temporary.unlink(missing_ok=True)
    try:
        # Writable, since what a crash left in the journal is put in order first; but never made.
        address = f"{source.absolute().as_uri()}?mode=rw"
        with (
            closing(sqlite3.connect(address, uri=True, timeout=_WAITS_S)) as old,
            closing(sqlite3.connect(temporary)) as new,
        ):
            # In one go: writers wait for a moment. In several, each write would begin the copy anew.
            old.backup(new)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
        sync_folder(target.parent)
    except (sqlite3.Error, OSError) as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(
            f"the database {source} can't be copied to {target}: {error}; see that its disk has room"
        ) from error


def check_sqlite(path: Path) -> None:
    """Look through a whole database.

    Raises:
        DataError: it is damaged.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            (said,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            dangling = database.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        raise DataError(f"{path} is no whole SQLite database: {error}") from error
    if said != "ok" or dangling is not None:
        reason = said if said != "ok" else f"a row of {dangling[0]} lacks its {dangling[2]}"
        raise DataError(f"{path} is damaged: {reason}")
