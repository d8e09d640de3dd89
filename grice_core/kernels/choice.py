"""Fast paths or their plain twins: the one place that decides.

Each fast path of this package asks `uses_plain` when it runs, and if so leaves the work to its twin: stock
operations of torch, transformers or PEFT. `GRICE_KERNELS=plain` switches all fast paths off, for when a new
version of a library breaks one; `plain_kernels` does for a few passes, which others are compared to.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Literal, get_args

from grice_core.errors import InputError

Kernels = Literal["fast", "plain"]

VARIABLE = "GRICE_KERNELS"
"""Environment variable, which child processes inherit; `fast` if unset or empty."""

_PLAIN_MEANWHILE = ContextVar("_PLAIN_MEANWHILE", default=False)


@cache
def kernels_of_process() -> Kernels:
    """What the environment says, read once.

    Raises: InputError, if that is something else.
    """
    value = os.environ.get(VARIABLE) or "fast"
    for known in get_args(Kernels):
        if value == known:
            chosen: Kernels = known
            return chosen
    raise InputError(f"{VARIABLE} is {value!r}: set it to fast or plain, or leave it unset")


def uses_plain() -> bool:
    """Whether the plain twins run here and now. Raises: InputError."""
    return _PLAIN_MEANWHILE.get() or kernels_of_process() == "plain"


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Run the plain twins meanwhile, in this thread."""
    before = _PLAIN_MEANWHILE.set(True)
    try:
        yield
    finally:
        _PLAIN_MEANWHILE.reset(before)
