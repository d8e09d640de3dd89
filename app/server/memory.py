"""What becomes of memory that the dashboard frees."""

import ctypes
import platform

_M_ARENA_MAX = -8


def share_freed_memory() -> None:
    """Let what one session's thread has freed be used by the next; call it before there are threads.

    glibc gives every thread a heap of its own, up to eight a core, and each of them keeps some of what
    a redraw over a million pairs takes and frees. Where the C library is not glibc nothing happens.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def return_freed_memory() -> None:
    """Give the system what has been freed; after work that took much of it for a moment."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
