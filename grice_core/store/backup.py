"""A backup of a studio that may run meanwhile, and what it is restored from: one folder.

    backup.json                   what belongs to it; written last, at once
    database-<time>.sqlite        the database of one moment, whatever it is kept in
    artifacts/objects/…           every file that the database names
    artifacts/logs/…              as far as the database says that they are written

Files that never change are copied once: a backup into the same folder adds what is new and removes what
is needed no more. Until its `backup.json` is there, the folder holds the backup before. The queue needs
none: what waits and runs stands in the database, and workers are woken anew.
"""

import shutil
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from grice_core.errors import ArtifactError, DataError, InputError, OutputError, StoreError
from grice_core.files import file_sha256, open_to_append, write_json_atomic
from grice_core.progress import Progress, silent
from grice_core.store import migrate, references
from grice_core.store.artifacts import ArtifactStore, sha256_of
from grice_core.store.backup_database import (
    copy_database,
    counts,
    holds_anything,
    log_sizes,
    opened,
)
from grice_core.store.database import Database
from grice_core.store.row_copy import copy_rows
from grice_core.store.sqlite_copy import check_sqlite, copy_sqlite

FORMAT = "grice-backup-1"

_MANIFEST, _LOCK, _ARTIFACTS = "backup.json", "lock", "artifacts"
_DATABASES = "database-*.sqlite"


@dataclass(frozen=True)
class Backup:
    """What a folder holds."""

    database: str
    """Name of the database's copy."""
    sha256: str
    """Of that copy."""
    revision: str
    """Of its tables."""
    created_at: float
    """Seconds since 1970, when the database was copied."""
    num_pipelines: int
    num_runs: int
    num_files: int
    size_bytes: int
    """Of those files."""
    missing: tuple[str, ...]
    """Hashes of files that the database names, but that were not there, or damaged."""
    format: str = FORMAT


def back_up(
    database: Database, artifacts: ArtifactStore, folder: Path, progress: Progress = silent
) -> Backup:
    """Make a backup, or bring the one in a folder up to date; others may write meanwhile.

    Raises:
        OutputError: the folder holds something else, or can't be written.
        StoreError: the database or the artifacts can't be read.
    """
    _refuse_other_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with closing(open_to_append(folder / _LOCK)):
            _remove_broken_off(folder)
            created_at = time.time()
            copy = folder / f"database-{created_at:.6f}.sqlite"
            copy_database(database, copy)
            made = _copy_files(copy, created_at, artifacts, folder, progress)
            write_json_atomic(folder / _MANIFEST, asdict(made))
            _remove_unneeded(folder, made)
    except OSError as error:
        raise OutputError(f"{folder} can't be written: {error.strerror or error}") from error
    return made


def verify(folder: Path, progress: Progress = silent) -> Backup:
    """Read every byte of a backup.

    Raises:
        DataError: there is none, or something in it is missing or damaged.
    """
    backup, own = _read(folder), _store_of(folder)
    copy = folder / backup.database
    if not copy.is_file() or file_sha256(copy) != backup.sha256:
        raise DataError(f"{copy} is missing or damaged: make the backup again")
    check_sqlite(copy)
    with opened(copy) as kept:
        needed, unreadable = references.needed(kept, own)
        bad = sorted((unreadable | _damaged(own, needed, progress)) - set(backup.missing))
        num_files = len(needed - set(backup.missing))
        logs = [name for name, size in log_sizes(kept).items() if own.objects.size(name) != size]
    if not bad and num_files != backup.num_files:
        raise DataError(f"{folder} holds {num_files:,} files, not {backup.num_files:,}")
    if bad:
        raise DataError(
            f"{len(bad):,} files of {folder} are missing or damaged, such as {bad[0]}; delete what is "
            "damaged, then make the backup again"
        )
    if logs:
        raise DataError(f"{len(logs):,} logs of {folder} are missing or cut, such as {logs[0]}")
    return backup


def restore(
    folder: Path, database_url: str, artifacts: ArtifactStore, progress: Progress = silent
) -> Backup:
    """Bring a backup into an installation that holds nothing yet; if it breaks off, call it again.

    Raises:
        DataError: the backup is damaged, or a newer version made it.
        InputError: the database holds something already.
        StoreError: the database or the artifacts can't be written.
    """
    backup, own = _read(folder), _store_of(folder)
    database = migrate.opened(database_url)
    try:
        if holds_anything(database):
            raise InputError(
                "the database holds something already: set GRICE_HOME or GRICE_DATABASE_URL to a new place"
            )
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / "database.sqlite"
            copy_sqlite(folder / backup.database, copy)
            with opened(copy) as kept:
                migrate.upgrade(kept.engine)  # the copy may be of an earlier version
                _restore_files(kept, own, artifacts, set(backup.missing), progress)
                copy_rows(kept.engine, database.engine)
    finally:
        database.engine.dispose()
    return backup


def _restore_files(
    kept: Database,
    own: ArtifactStore,
    artifacts: ArtifactStore,
    missing: set[str],
    progress: Progress,
) -> None:
    needed, _ = references.needed(kept, own)
    for done, sha256 in enumerate(sorted(needed - missing), start=1):
        _put(own, artifacts, sha256)
        progress("restoring files", done, len(needed - missing))
    for name in log_sizes(kept):
        if own.objects.size(name) is not None:
            artifacts.objects.put_bytes(name, b"".join(own.objects.chunks(name)))


def _refuse_other_folder(folder: Path) -> None:
    ours = {_MANIFEST, _LOCK, _ARTIFACTS}
    found = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    others = [name for name in found if name not in ours and "database-" not in name]
    if others and _MANIFEST not in found:
        raise OutputError(
            f"{folder} holds {others[0]}, which is of no backup: choose another folder"
        )


def _read(folder: Path) -> Backup:
    try:
        content = orjson.loads((folder / _MANIFEST).read_bytes())
        backup = Backup(**content | {"missing": tuple(content["missing"])})
    except OSError as error:
        raise DataError(f"{folder} holds no whole backup: {error}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{folder / _MANIFEST} can't be read: {error}") from None
    if backup.format != FORMAT:
        raise DataError(f"{folder} is of the format {backup.format}; another version made it")
    return backup


def _store_of(folder: Path) -> ArtifactStore:
    return ArtifactStore((folder / _ARTIFACTS).absolute().as_uri())


def _copy_files(
    copy: Path, created_at: float, artifacts: ArtifactStore, folder: Path, progress: Progress
) -> Backup:
    """Copy all files that the copy of the database names; returns what the folder then holds."""
    own = _store_of(folder)
    with opened(copy) as kept:
        needed, missing = references.needed(kept, artifacts)
        for done, sha256 in enumerate(sorted(needed), start=1):
            try:
                _put(artifacts, own, sha256)
            except ArtifactError:
                missing.add(sha256)
            progress("copying files", done, len(needed))
        for name, size_bytes in log_sizes(kept).items():
            _copy_log(artifacts, own, name, size_bytes)
        sizes = [own.size(sha256) or 0 for sha256 in needed]
        num_pipelines, num_runs = counts(kept)
        revision = migrate.revision(kept.engine)
    return Backup(
        copy.name,
        file_sha256(copy),
        str(revision),
        created_at,
        num_pipelines,
        num_runs,
        len(needed) - len(missing & needed),
        sum(sizes),
        tuple(sorted(missing)),
    )


def _put(source: ArtifactStore, target: ArtifactStore, sha256: str) -> None:
    """Copy one file, whose content is looked at on the way, unless the target has it."""
    if target.contains(sha256):
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / sha256
        source.fetch_file(sha256, path)
        target.put_file(path)


def _copy_log(source: ArtifactStore, target: ArtifactStore, name: str, size_bytes: int) -> None:
    """Logs grow: one is copied as far as the database says."""
    if target.objects.size(name) == size_bytes:
        return
    try:
        content = b"".join(source.objects.chunks(name))
    except ArtifactError:  # none was kept
        content = b""
    target.objects.put_bytes(name, content[:size_bytes])


def _remove_broken_off(folder: Path) -> None:
    """What a backup that was killed has left of its copy of the database."""
    for left in folder.glob(".*database-*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def _remove_unneeded(folder: Path, backup: Backup) -> None:
    for copy in folder.glob(_DATABASES):
        if copy.name != backup.database:
            copy.unlink()
    own = _store_of(folder)
    with opened(folder / backup.database) as kept:
        needed, _ = references.needed(kept, own)
    for file in own.stored():
        if sha256_of(file.name) not in needed:
            own.objects.delete(file.name)


def _damaged(own: ArtifactStore, needed: set[str], progress: Progress) -> set[str]:
    found = set()
    for done, sha256 in enumerate(sorted(needed), start=1):
        try:
            for _ in own.chunks(sha256):
                pass
        except (ArtifactError, StoreError):
            found.add(sha256)
        progress("reading files", done, len(needed))
    return found
