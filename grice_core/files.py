"""Files that are either the old one or the new one, never half of it."""

import fcntl
import glob
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from grice_core.errors import OutputError
from grice_core.exchange import exchanged

_TOKEN_BYTES = 4
"""Of the names of what is not whole yet."""


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing so that a crash at any moment leaves the old content or the new.

    The bytes go to a temporary file beside it, are forced to disk, and take the name at once when
    the block ends; after an exception in the block the old file stays.
    """
    temporary = temporary_name(path)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_bytes_atomic(path: Path, content: bytes) -> None:
    """Write a whole file at once like `atomic_writer`."""
    with atomic_writer(path) as file:
        file.write(content)


def write_text_atomic(path: Path, text: str) -> None:
    """Write UTF-8 text like `write_bytes_atomic`."""
    write_bytes_atomic(path, text.encode())


def write_json_atomic(path: Path, document: Any) -> None:
    """Write an indented JSON document like `write_bytes_atomic`.

    Raises:
        ValueError: The document holds NaN or infinity, which JSON does not have.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    write_text_atomic(path, text + "\n")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_to_append(path: Path) -> BinaryIO:
    """Open a file that grows in its place, for reading too; it stays locked until it is closed.

    Raises:
        OutputError: another process writes to it, or it can't be written.
    """
    try:
        file = path.open("a+b")
    except OSError as error:
        raise OutputError(f"{path} can't be written: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise OutputError(
            f"{path} is being written by another run; wait for it, or name another --out"
        ) from error
    return file


def fence_open_files(folder: Path) -> list[Path]:
    """Give the files of a folder that another process holds open by `open_to_append` a new content.

    That process may be frozen, and write when it wakes up: into the old content, which has no name any
    more. Returns the files.
    """
    held = [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_held(path)]
    for path in held:
        with path.open("rb") as old, atomic_writer(path) as new:
            shutil.copyfileobj(old, new, 1 << 20)
    return held


def _is_held(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Fill a folder so that a crash at any moment leaves the old one, if there is one, or the whole new one.

    Yields an empty folder beside it, which takes the name when the block ends, in place of what may
    stand there; after an exception in the block what stands there stays. What a crash left of earlier
    attempts is deleted. Files get the permissions that the process gives new ones.
    """
    with scratch_folder(path) as temporary:
        yield temporary
        for part in temporary.rglob("*"):
            if part.is_file():
                # Some libraries write files that only their owner can read (safetensors 0.8.0).
                part.chmod(temporary.stat().st_mode & 0o666)
        for part in (*temporary.rglob("*"), temporary):
            _sync(part)
        _put_in_place(temporary, path)
    sync_folder(path.parent)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """An empty folder beside `path` that is gone after the block.

    What killed processes left of their own folders beside the same path is deleted.
    """
    _clear_away_left_of(path)
    temporary = temporary_folder(path)
    try:
        with locked_folder(temporary):
            temporary.mkdir(exist_ok=True)  # another may have cleared it away before it was locked
            yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put_in_place(new: Path, path: Path) -> None:
    """Give a folder its name; one that had it may be left under another, to be deleted."""
    if not path.exists():
        new.rename(path)
    elif not exchanged(new, path):
        old = temporary_name(path)
        path.rename(old)
        new.rename(path)
        shutil.rmtree(old)


def _clear_away_left_of(path: Path) -> None:
    """Delete what killed processes left of a folder that they were filling."""
    ours = "[0-9a-f]" * (2 * _TOKEN_BYTES)  # no other hidden folder that a user keeps there
    for left_over in path.parent.glob(f".{glob.escape(path.name)}.{ours}"):
        with (
            suppress(BlockingIOError, FileNotFoundError),
            locked_folder(left_over, fcntl.LOCK_EX | fcntl.LOCK_NB),
        ):
            if left_over.is_dir():
                shutil.rmtree(left_over)


def temporary_folder(path: Path) -> Path:
    """An empty folder beside `path`, with the permissions that the process gives new ones."""
    temporary = temporary_name(path)
    temporary.mkdir(parents=True)
    return temporary


def temporary_name(path: Path) -> Path:
    """A hidden name beside `path` that no one has."""
    return path.with_name(f".{path.name}.{secrets.token_hex(_TOKEN_BYTES)}")


@contextmanager
def locked_folder(folder: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Hold a folder's lock, which ends with its process, where the file system has locks for folders.

    Raises:
        BlockingIOError: another process holds it, and `how` says not to wait.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, how)
        except OSError as error:
            # NFS locks only what is open for writing.
            if isinstance(error, BlockingIOError):
                raise
        yield
    finally:
        os.close(descriptor)


def keep_private(home: Path) -> None:
    """Let no other user of this machine into a home, nor read what this process writes from now on."""
    os.umask(0o077)
    home.mkdir(parents=True, exist_ok=True)
    with suppress(PermissionError):  # someone else's, who shares it with us
        home.chmod(0o700)


def sync_folder(folder: Path) -> None:
    """Force the new name to disk too; without this a crash may bring the old file back."""
    _sync(folder)


def _sync(path: Path) -> None:
    """Force a file's content, or a folder's list of names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
