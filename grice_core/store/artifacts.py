"""Files and folders that never change, named by the SHA-256 of their content.

    objects/ab/abcdef…      a file's bytes, or a folder's manifest
    logs/…                  files that grow, by name

A folder is stored as its files and a manifest of them, so that two checkpoints which share a file
share its bytes, and a damaged file is noticed when it is read.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from grice_core.errors import ArtifactError
from grice_core.files import atomic_writer, temporary_folder
from grice_core.progress import Progress, silent
from grice_core.store.objects import ObjectStore, StoredFile

GRACE_S = 24 * 3600.0
"""What nothing refers to is kept this long, since it may just be about to be referred to."""

_OBJECTS = "objects"
_MANIFEST_BEGINS = b'{"files": ['


@dataclass(frozen=True)
class Address:
    """A stored file or folder, named by what it holds."""

    sha256: str
    """Of the file's bytes, or of the folder's manifest; 64 hex digits."""
    is_folder: bool
    size_bytes: int
    """Of all its files together."""


@dataclass(frozen=True)
class FolderEntry:
    """One file of a stored folder."""

    path: str
    """Relative to the folder, with forward slashes."""
    sha256: str
    size_bytes: int


class ArtifactStore:
    """Content-addressed files and folders under one URL."""

    def __init__(self, url: str) -> None:
        """Open a place; see `ObjectStore`."""
        self.objects = ObjectStore(url)

    def put_file(self, source: Path) -> Address:
        """Store a file; one that is there already costs nothing."""
        with source.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if not self._is_there_to_stay(sha256):
            self.objects.put(_name(sha256), source)
        return Address(sha256, is_folder=False, size_bytes=source.stat().st_size)

    def put_bytes(self, content: bytes) -> Address:
        """Store bytes as a file."""
        sha256 = hashlib.sha256(content).hexdigest()
        if not self._is_there_to_stay(sha256):
            self.objects.put_bytes(_name(sha256), content)
        return Address(sha256, is_folder=False, size_bytes=len(content))

    def put_folder(self, source: Path, progress: Progress = silent) -> Address:
        """Store all files of a folder, and what they are called."""
        paths = sorted(path for path in source.rglob("*") if path.is_file())
        entries = []
        for done, path in enumerate(paths, start=1):
            file = self.put_file(path)
            relative = path.relative_to(source).as_posix()
            entries.append(FolderEntry(relative, file.sha256, file.size_bytes))
            progress("storing files", done, len(paths))
        # The manifest comes last: anyone who can read it finds every file.
        manifest = self.put_bytes(_manifest(entries))
        size_bytes = sum(entry.size_bytes for entry in entries)
        return Address(manifest.sha256, is_folder=True, size_bytes=size_bytes)

    def contains(self, sha256: str) -> bool:
        """Whether a file, or a folder's manifest, is there."""
        return self.size(sha256) is not None

    def size(self, sha256: str) -> int | None:
        """Bytes of a file, or of a folder's manifest; None: it is not there."""
        return self.objects.size(_name(sha256))

    def read(self, sha256: str) -> bytes:
        """A file's bytes.

        Raises:
            ArtifactError: it is missing or damaged.
        """
        return b"".join(self.chunks(sha256))

    def chunks(self, sha256: str) -> Iterator[bytes]:
        """A file's bytes, a megabyte at a time; whether they are right is known at the end.

        Raises:
            ArtifactError: it is missing or damaged.
        """
        digest = hashlib.sha256()
        for chunk in self.objects.chunks(_name(sha256)):
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != sha256:
            raise ArtifactError(
                f"artifact {sha256} in {self.objects.url} is damaged: its content does not match "
                "its name; delete it and make it again"
            )

    def fetch_file(self, sha256: str, target: Path) -> None:
        """Copy a file to a local path, which then holds all of it or what it held before.

        Raises:
            ArtifactError: it is missing or damaged.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_writer(target) as file:
            for chunk in self.chunks(sha256):
                file.write(chunk)

    def fetch_folder(self, sha256: str, target: Path, progress: Progress = silent) -> None:
        """Copy a folder to a local path that is not there yet; a crash leaves no half of it.

        Raises:
            ArtifactError: it, or one of its files, is missing or damaged.
            FileExistsError: the target is there already.
        """
        if target.exists():
            raise FileExistsError(target)
        entries = self.folder(sha256)
        temporary = temporary_folder(target)
        try:
            for done, entry in enumerate(entries, start=1):
                self.fetch_file(entry.sha256, temporary / entry.path)
                progress("fetching files", done, len(entries))
            temporary.rename(target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise

    def folder(self, sha256: str) -> list[FolderEntry]:
        """The files of a stored folder.

        Raises:
            ArtifactError: it is missing, damaged or no folder.
        """
        content = self.read(sha256)
        try:
            entries = [FolderEntry(**entry) for entry in json.loads(content)["files"]]
        except (ValueError, KeyError, TypeError):
            raise ArtifactError(f"artifact {sha256} is no folder") from None
        for entry in entries:
            path = PurePosixPath(entry.path)
            if path.is_absolute() or ".." in path.parts or not path.parts or "\\" in entry.path:
                raise ArtifactError(
                    f"artifact {sha256} names a file outside itself: {entry.path!r}"
                )
        return entries

    def address_of(self, sha256: str) -> Address:
        """What is stored under a hash: a folder if it is the manifest of one.

        Raises:
            ArtifactError: it is missing or damaged.
        """
        size_bytes = self.size(sha256)
        if size_bytes is None:
            raise ArtifactError(f"{self.objects.url} has no file {_name(sha256)}")
        if next(self.objects.chunks(_name(sha256)), b"").startswith(_MANIFEST_BEGINS):
            with suppress(ArtifactError):  # another file that begins like one
                entries = self.folder(sha256)
                size_bytes = sum(entry.size_bytes for entry in entries)
                return Address(sha256, is_folder=True, size_bytes=size_bytes)
        return Address(sha256, is_folder=False, size_bytes=size_bytes)

    def stored(self) -> Iterator[StoredFile]:
        """Every file below `objects/`, leftovers of broken writes included."""
        return self.objects.names(_OBJECTS)

    def _is_there_to_stay(self, sha256: str) -> bool:
        # An old object that nothing refers to may be about to be collected: write it again, which
        # makes it young.
        age_s = self.objects.age_s(_name(sha256))
        return age_s is not None and age_s < GRACE_S / 2


def sha256_of(name: str) -> str | None:
    """Which content a stored file's name stands for; None: a leftover of a broken write."""
    sha256 = PurePosixPath(name).name
    is_digest = len(sha256) == 64 and set(sha256) <= set("0123456789abcdef")
    return sha256 if is_digest and name == _name(sha256) else None


def _name(sha256: str) -> str:
    return f"{_OBJECTS}/{sha256[:2]}/{sha256}"


def _manifest(entries: list[FolderEntry]) -> bytes:
    document = {"files": [asdict(entry) for entry in entries]}
    return json.dumps(document, ensure_ascii=False, sort_keys=True).encode()
