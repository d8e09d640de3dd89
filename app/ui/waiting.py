"""Why no worker has taken a request yet."""

from collections.abc import Sequence

from app.text.formatting import plain_markdown
from worker.client import WorkerStatus


def waiting_for(workers: Sequence[WorkerStatus], remark: str) -> str:
    """Why no one has taken a request yet."""
    if not workers:
        return "Waiting: no worker is running; `grice up` starts one."
    if all(worker.is_busy for worker in workers):
        return "Waiting: runs have priority; the answer comes when a worker is free."
    return f"Waiting: {plain_markdown(remark)}." if remark else "Waiting for a worker …"
