"""What a job on the queue does."""

from collections.abc import Callable

_take_next: Callable[[], None] | None = None


def serve(take_next: Callable[[], None]) -> None:
    """Say what a wake-up means in this process, which is a worker."""
    global _take_next  # RQ calls a module's function, and gives it no context
    _take_next = take_next


def take_run(run_id: int, attempt: int) -> None:
    """Take the run that comes first, which is this one unless another has overtaken it.

    Raises:
        RuntimeError: this process is no worker.
    """
    if _take_next is None:
        raise RuntimeError(f"run {run_id} (attempt {attempt}) can only be taken by a worker")
    _take_next()
