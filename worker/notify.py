"""Wake-ups: jobs in Redis which say that a run is ready.

The database is the truth. A wake-up names the run it was sent for, but the worker that receives it takes
the run that comes first in the database's order, so priorities count and a wake-up that is duplicated,
forged, old or lost does no harm.
"""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from redis import Redis
from rq import Queue
from rq.exceptions import InvalidJobOperation
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from grice_core.store.states import Device
from grice_core.store.tables import Run
from worker.tasks import take_run

TAKE_RUN = f"{take_run.__module__}.{take_run.__qualname__}"
"""The one function that a job may name."""

_KEEP_FAILED_S = 24 * 3600


class RunJob(Job):
    """A job that can do nothing but take a run: no other function, no callback, no web hook."""

    @property
    def func(self) -> Callable[[int, int], None]:
        if self.func_name != TAKE_RUN or self.instance is not None:
            raise InvalidJobOperation(f"job {self.id} names {self.func_name!r}, which is not ours")
        return take_run

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None

    def send_webhooks(self, status: str | JobStatus, *, exc_string: str | None = None) -> None:
        """Notifies no one outside."""

    def retry(self, queue: Queue, pipeline: Any) -> NoReturn:  # noqa: ARG002 - RQ's signature
        raise InvalidJobOperation("runs are tried again by the database's rules, not by RQ's")


def queue_of(redis: Redis, device: Device) -> Queue:
    """The queue of a class of workers."""
    return Queue(f"grice-{device}", connection=redis, job_class=RunJob, serializer=JSONSerializer)


def wake(redis: Redis, ready: Iterable[Run]) -> int:
    """Enqueue a wake-up for each run that has none; returns how many.

    Raises:
        redis.RedisError: the server can't be reached, or refuses.
    """
    queued = {device: set(queue_of(redis, device).get_job_ids()) for device in Device}
    sent = 0
    for run in ready:
        attempt = run.attempt + 1
        # The attempt is part of the name, since RQ remembers a name that failed for long.
        name = f"run-{run.id}-attempt-{attempt}"
        if name in queued[run.device]:
            continue
        queue_of(redis, run.device).enqueue(
            TAKE_RUN,
            args=(run.id, attempt),
            job_id=name,
            job_timeout=-1,
            result_ttl=0,
            failure_ttl=_KEEP_FAILED_S,
            description=f"run {run.id} ({run.kind}), attempt {attempt}",
        )
        sent += 1
    return sent
