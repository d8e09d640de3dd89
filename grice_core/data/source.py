"""A data file as bytes: what kind of file it is, and its content unpacked within limits."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import pyarrow as pa
import zstandard

from grice_core.data.zstd import ZstdContent
from grice_core.errors import DataError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MIB = 1024**2
GIB = 1024**3
BLOCK_SIZE = 16 * MIB


class Format(StrEnum):
    """How the rows are written: a title, the suffixes of such files' names, their first bytes if fixed."""

    suffixes: tuple[str, ...]
    begins: tuple[bytes, ...]

    JSON = "JSON", (".json",)
    JSONL = "JSON Lines", (".jsonl", ".ndjson")
    CSV = "CSV", (".csv", ".tsv")
    PARQUET = "Parquet", (".parquet", ".pq"), (b"PAR1",)
    # A file, the first Feather, a stream.
    ARROW = "Arrow", (".arrow", ".feather", ".ipc"), (b"ARROW1", b"FEA1", b"\xff\xff\xff\xff")
    EXCEL = "Excel", (".xlsx", ".xlsm"), (b"PK\x03\x04",)
    TEXT = "plain text", (".txt",)

    def __new__(
        cls, title: str, suffixes: tuple[str, ...], begins: tuple[bytes, ...] = ()
    ) -> "Format":
        """A member that is its title."""
        member = str.__new__(cls, title)
        member._value_ = title
        member.suffixes = suffixes
        member.begins = begins
        return member


Compression = Literal["gzip", "zstd"]


@dataclass(frozen=True)
class Limits:
    """What a file may unpack to; more is taken for an attack or a mistake."""

    max_bytes: int = 16 * GIB
    """Of the whole content."""
    max_document_bytes: int = 2 * GIB
    """Of a JSON list or a compressed Parquet file, which are held in memory as a whole."""
    max_line_bytes: int = 64 * MIB
    """Of one row of JSON Lines or CSV."""
    max_unusable: int = 100_000
    """Rows with errors, where they are more than four fifths of the rows."""
    max_ratio: int = 300
    """Unpacked over packed bytes; looked at once more than `ratio_from_bytes` are unpacked."""
    ratio_from_bytes: int = 16 * MIB

    def check(self, name: str, num_unpacked: int, packed_size: int | None) -> None:
        """Look at how much a file of this many bytes has unpacked to; `None` = it isn't packed.

        Raises:
            DataError: it is too much.
        """
        if num_unpacked > self.max_bytes:
            raise DataError(
                f"{name} unpacks to more than {format_bytes(self.max_bytes)}; "
                "split it into several files"
            )
        if packed_size is None or num_unpacked <= self.ratio_from_bytes:
            return
        if num_unpacked > self.max_ratio * packed_size:
            raise DataError(
                f"{name} unpacks to more than {self.max_ratio} times its size, as a "
                "decompression bomb does; if it is what you mean, unpack it yourself first"
            )


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Source:
    """A data file that was looked into, ready to be read."""

    path: Path
    format: Format
    compression: Compression | None
    limits: Limits = DEFAULT_LIMITS
    notes: tuple[str, ...] = ()
    """Remarks for the user, such as a name that does not fit the content."""
    constants: Mapping[str, Any] = field(default_factory=dict)
    """Further fields, the same in every row, which the folders' names gave (`lang=en`)."""
    keep: object = None
    """What has to live as long as this, such as a temporary folder."""

    @property
    def parts(self) -> tuple["Source", ...]:
        """The files: this one."""
        return (self,)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def size(self) -> int:
        """Bytes of the file as it lies there."""
        return self.path.stat().st_size

    def open(self) -> "UnpackedStream":
        """The content from its start.

        Raises:
            DataError: the file can't be opened.
        """
        return UnpackedStream(self.path, self.compression, self.limits)

    def read_document(self) -> bytes:
        """The whole content.

        Raises:
            DataError: it is larger than `max_document_bytes`, or can't be unpacked.
        """
        limit = self.limits.max_document_bytes
        blocks: list[bytes] = []
        size = 0
        with self.open() as stream:
            if self.compression is None and stream.packed_size > limit:
                raise self._too_large(limit)
            while block := stream.read(BLOCK_SIZE):
                blocks.append(block)
                size += len(block)
                if size > limit:
                    raise self._too_large(limit)
        return b"".join(blocks)

    def _too_large(self, limit: int) -> DataError:
        return DataError(
            f"{self.name} holds more than {format_bytes(limit)} in one piece; "
            "write it as JSON Lines, or as Parquet without .gz or .zst, which are read piece by piece"
        )

    def sha256(self) -> str:
        """SHA-256 of the file's own bytes, as 64 hex digits."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Shards:
    """Several files that are read as one, in this order."""

    name: str
    parts: tuple[Source, ...]
    """At least one."""
    keep: object = None
    """What has to live as long as this, such as a temporary folder."""

    @property
    def format(self) -> Format:
        return self.parts[0].format

    @property
    def notes(self) -> tuple[str, ...]:
        """Those of all files, each once."""
        return tuple(dict.fromkeys(note for part in self.parts for note in part.notes))

    def sha256(self) -> str:
        """SHA-256 of the files' own and of their further fields, as 64 hex digits."""
        told = [[part.sha256(), sorted(part.constants.items())] for part in self.parts]
        return hashlib.sha256(repr(told).encode()).hexdigest()


DataFiles = Source | Shards
"""What `places.find` finds."""


class UnpackedStream(io.RawIOBase):
    """The unpacked content of a file; refuses to give out more than the limits allow."""

    def __init__(self, path: Path, compression: Compression | None, limits: Limits) -> None:
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise DataError(f"{path} can't be opened: {error.strerror}") from error
        self._name = path.name
        self._limits = limits
        self._compression = compression
        self._content = _content(self._file, compression)
        self._num_unpacked = 0
        self.packed_size = path.stat().st_size

    @property
    def num_packed(self) -> int:
        """Bytes of the file itself read so far: how far the work is."""
        return self.packed_size if self._file.closed else self._file.tell()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        try:
            block: bytes = self._content.read(BLOCK_SIZE if size < 0 else size)
        except (OSError, zstandard.ZstdError) as error:
            raise DataError(
                f"{self._name} can't be unpacked ({error}); it is damaged or cut off: copy it again"
            ) from error
        self._num_unpacked += len(block)
        self._check_size()
        return block

    def readall(self) -> bytes:
        return b"".join(self.blocks())

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        target = memoryview(buffer).cast("B")
        block = self.read(len(target))
        target[: len(block)] = block
        return len(block)

    def blocks(self) -> Iterator[bytes]:
        """The rest of the content, block by block."""
        while block := self.read(BLOCK_SIZE):
            yield block

    def close(self) -> None:
        self._file.close()
        super().close()

    def _check_size(self) -> None:
        packed_size = self.packed_size if self._compression else None
        self._limits.check(self._name, self._num_unpacked, packed_size)


def _content(file: IO[bytes], compression: Compression | None) -> IO[bytes] | ZstdContent:
    if compression == "zstd":
        return ZstdContent(file)
    if compression == "gzip":
        unpacked: IO[bytes] = pa.CompressedInputStream(pa.PythonFile(file, "r"), "gzip")
        return unpacked
    return file


def format_bytes(size: int) -> str:
    """A size in the largest binary unit that it fills: `2 GiB`."""
    for unit, factor in (("GiB", GIB), ("MiB", MIB), ("KiB", 1024)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"
