"""Files under an fsspec URL, each written whole or not at all.

A local folder, memory and every object store (`s3://`) will do: a local file is written beside its
place and renamed, an object store shows an object only when its upload is complete.
"""

import errno
import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from grice_core.errors import ArtifactError, GriceError, StoreError
from grice_core.files import atomic_writer, locked_folder
from grice_core.redaction import hide_credentials, redacted


@dataclass(frozen=True, order=True)
class StoredFile:
    """A file as a listing shows it."""

    name: str
    """Path below the store's root, with forward slashes."""
    size_bytes: int


class ObjectStore:
    """Named files under one URL."""

    def __init__(self, url: str) -> None:
        """Open a place; nothing is written yet.

        Raises:
            StoreError: the URL is of no kind that we can use, or its driver is not installed.
        """
        self.url = redacted(url)
        """As messages show it."""
        self._hide = partial(hide_credentials, url=url)
        try:
            # Other processes write too, so no listing may be remembered.
            self._files, self._root = fsspec.url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            raise StoreError(
                f"GRICE_ARTIFACTS_URL is {self.url!r}, which needs a driver: {error} "
                "(for s3://, pip install 'grice-studio[s3]')"
            ) from None
        except ValueError as error:
            raise StoreError(
                f"GRICE_ARTIFACTS_URL is {self.url!r}, which can't be used: {self._hide(str(error))}; give a folder as "
                "file:///folder, or s3://bucket/folder"
            ) from None

    def lies_in(self, folder: Path) -> bool:
        """Whether all is kept below this local folder."""
        return self._is_local and Path(self._root).resolve().is_relative_to(folder.resolve())

    def size(self, name: str) -> int | None:
        """Size in bytes, or None if there is no such file."""
        with self._in_words(name):
            try:
                return int(self._files.size(self._path(name)))
            except FileNotFoundError:
                return None

    def age_s(self, name: str) -> float | None:
        """Seconds since the file was written, or None if there is no such file."""
        with self._in_words(name):
            try:
                return time.time() - float(self._files.modified(self._path(name)).timestamp())
            except FileNotFoundError:
                return None

    def put(self, name: str, source: Path) -> None:
        """Store a copy of a local file under this name, in place of any older one."""
        with self._in_words(name):
            if self._is_local:
                with source.open("rb") as reader, self._local_writer(name) as writer:
                    shutil.copyfileobj(reader, writer, 1 << 20)
            else:
                self._files.put_file(str(source), self._path(name))

    def put_bytes(self, name: str, content: bytes) -> None:
        """Store these bytes under this name, in place of any older file."""
        with self._in_words(name):
            if self._is_local:
                with self._local_writer(name) as writer:
                    writer.write(content)
            else:
                self._files.pipe_file(self._path(name), content)

    def chunks(self, name: str, start: int = 0) -> Iterator[bytes]:
        """The file's bytes from `start` on, a megabyte at a time.

        Raises:
            ArtifactError: there is no such file.
        """
        with self._in_words(name):
            try:
                with self._files.open(self._path(name), "rb") as file:
                    file.seek(start)
                    while chunk := file.read(1 << 20):
                        yield chunk
            except FileNotFoundError:
                raise ArtifactError(f"{self.url} has no file {name}") from None

    def names(self, folder: str) -> Iterator[StoredFile]:
        """All files below a folder, in no order."""
        with self._in_words(folder):
            try:
                found = self._files.find(self._path(folder), detail=True)
            except FileNotFoundError:
                return
        for path, details in found.items():
            name = PurePosixPath(path).relative_to(PurePosixPath(self._root))
            yield StoredFile(name.as_posix(), details["size"])

    def delete(self, name: str) -> None:
        """Remove a file; one that is not there is fine."""
        with self._in_words(name):
            try:
                self._files.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def delete_if_old(self, name: str, grace_s: float) -> bool:
        """Remove a file that was written longer ago than this; returns whether it was.

        In a local folder no file is removed that is written again meanwhile; one whose folder is being
        written to stays for the next time.
        """
        with self._in_words(name):
            try:
                with self._writers_kept_out(name):
                    age_s = self.age_s(name)
                    if age_s is None or age_s < grace_s:
                        return False
                    self.delete(name)
                    return True
            except BlockingIOError:
                return False

    @property
    def _is_local(self) -> bool:
        return isinstance(self._files, LocalFileSystem)

    @contextmanager
    def _local_writer(self, name: str) -> Iterator[BinaryIO]:
        target = Path(self._path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked_folder(target.parent, fcntl.LOCK_SH), atomic_writer(target) as writer:
            yield writer

    def _writers_kept_out(self, name: str) -> AbstractContextManager[None]:
        """While the block lasts, no one writes a file beside this one; in an object store nothing can be
        locked, and it is a matter of milliseconds.

        Raises:
            BlockingIOError: someone does already.
        """
        folder = Path(self._path(name)).parent
        if not (self._is_local and folder.is_dir()):
            return nullcontext()
        return locked_folder(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _path(self, name: str) -> str:
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts:
            raise ArtifactError(f"{name!r} is no name inside the artifact store")
        return f"{self._root}/{name}"

    @contextmanager
    def _in_words(self, name: str) -> Iterator[None]:
        try:
            yield
        except GriceError:
            raise
        except Exception as error:
            # Every driver has errors of its own besides OSError.
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise StoreError(f"the disk that holds {self.url} is full; make room") from error
            raise StoreError(
                f"{self.url} can't be used for {name}: {self._hide(str(error))}"
            ) from error
