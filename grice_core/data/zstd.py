"""Zstandard files, unpacked piece by piece."""

import io
from typing import IO

import zstandard

_SEAL = b"the end of the file"
_LARGEST_WINDOW = 2**31
"""What `zstd --long=31` needs; memory is taken only as far as the content goes."""


class ZstdContent:
    """The content of a file's frames, one after the other; skippable frames hold none.

    The decoder gives out the beginning of a frame that is cut off without a word. So a frame of our own
    is put behind the file: its content comes out last, unless something before it was not complete.
    """

    def __init__(self, file: IO[bytes]) -> None:
        sealed = io.BufferedReader(_Sealed(file), 2**20)
        decoder = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
        self._reader = decoder.stream_reader(sealed, read_size=2**20, read_across_frames=True)
        self._held = b""
        """The last bytes so far, which may be the seal."""

    def read(self, size: int) -> bytes:
        """The next bytes, about so many; empty at the end.

        Raises:
            OSError: the file is cut off.
            zstandard.ZstdError: it is damaged.
        """
        while True:
            block = self._reader.read(size)
            if not block and self._held != _SEAL:
                raise OSError("its end is missing")
            if not block:
                return b""
            found = self._held + block
            self._held = found[-len(_SEAL) :]
            if len(found) > len(_SEAL):
                return found[: -len(_SEAL)]


class _Sealed(io.RawIOBase):
    """A file, and a frame of our own behind it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._behind = io.BytesIO(zstandard.compress(_SEAL))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]", /) -> int:  # type: ignore[override]
        block = self._file.read(len(buffer)) or self._behind.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)
