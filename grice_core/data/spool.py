"""Tables that are put aside on disk while a file is read, and looked at there as if they were in memory."""

import mmap
from contextlib import suppress
from tempfile import TemporaryFile
from typing import Self

import pyarrow as pa

from grice_core.data.source import MIB

IN_MEMORY_BYTES = 32 * MIB
"""So much stays in memory: most files do as a whole."""


class Spool:
    """Takes tables and gives them back in order.

    Beyond `IN_MEMORY_BYTES` they lie in a file without a name in the system's temporary folder, mapped into
    memory: what is looked at is read, and gives way where memory is needed for something else. Where there is
    no room on the disk, they stay in memory.
    """

    def __init__(self, in_memory_bytes: int = IN_MEMORY_BYTES) -> None:
        self._in_memory_bytes = in_memory_bytes
        self._file = TemporaryFile()  # noqa: SIM115 - closed when this is
        self._places: list[tuple[int, int]] = []
        self._waiting: list[pa.Table] = []
        self._num_waiting = 0
        self._is_full = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; what is mapped stays."""
        with suppress(OSError):  # what could not be written then can't be written now
            self._file.close()

    def add(self, table: pa.Table) -> None:
        """Put a table aside."""
        self._waiting.append(table)
        self._num_waiting += table.nbytes
        if self._num_waiting > self._in_memory_bytes and not self._is_full:
            self._write()

    def tables(self) -> list[pa.Table]:
        """All of them, in order; to be asked once, at the end."""
        found = []
        if self._places:
            content = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
            whole = pa.py_buffer(content)
            found = [
                pa.ipc.open_stream(whole.slice(start, size)).read_all()
                for start, size in self._places
            ]
        return found + self._waiting

    def _write(self) -> None:
        """Move what waits to the file; all further tables too."""
        while self._waiting:
            start = self._file.tell()
            try:
                with pa.ipc.new_stream(
                    pa.PythonFile(self._file, "w"), self._waiting[0].schema
                ) as written:
                    written.write_table(self._waiting[0])
                self._file.flush()
            except OSError:
                self._is_full = True
                with suppress(OSError):
                    self._file.seek(start)
                return
            self._places.append((start, self._file.tell() - start))
            del self._waiting[0]
        self._num_waiting = 0
        self._in_memory_bytes = 0
