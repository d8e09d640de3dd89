"""Ctrl-C and SIGTERM as a polite request, then as an order."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from grice_core.cli.terminal import stderr


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Gives a function that tells whether to stop: true after the first signal.

    The work then ends where nothing is lost. The second signal interrupts at once.
    """
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (signal's signature)
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        stderr().print("stopping at the next safe point; once more to stop at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
