"""Two names exchanged at once, which Python's library has no function for."""

import ctypes
import os
import sys
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2


def exchanged(first: Path, second: Path) -> bool:
    """Exchange the names of two files or folders, with no moment in which one of them is missing.

    Returns False, and nothing has happened, where the system or the file system can't do that.
    """
    names = os.fsencode(first), os.fsencode(second)
    library = ctypes.CDLL(None)
    try:
        if sys.platform == "darwin":
            return bool(library.renamex_np(*names, _RENAME_SWAP) == 0)
        status = library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
        return bool(status == 0)
    except AttributeError:  # an old C library
        return False
