"""The doorbell: jobs in Redis which say that a run is there to be taken.

The database is the truth. A bell names the run that it was rung for, but whoever hears it takes the
run that comes first in the database's order, so that priorities count and a bell too many, or one
that is forged, old or lost, does no harm.
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
        """Nobody outside is told."""

    def retry(self, queue: Queue, pipeline: Any) -> NoReturn:  # noqa: ARG002 - RQ's signature
        raise InvalidJobOperation("runs are tried again by the database's rules, not by RQ's")


def queue_of(redis: Redis, device: Device) -> Queue:
    """The queue of a class of workers."""
    return Queue(f"grice-{device}", connection=redis, job_class=RunJob, serializer=JSONSerializer)


def ring(redis: Redis, ready: Iterable[Run]) -> int:
    """Ring for those of these runs for which no bell hangs in its queue; returns how many.

    Raises:
        redis.RedisError: the server can't be reached, or refuses.
    """
    hanging = {device: set(queue_of(redis, device).get_job_ids()) for device in Device}
    rung = 0
    for run in ready:
        attempt = run.attempt + 1
        # The attempt is part of the name, since RQ remembers a name that failed for long.
        name = f"run-{run.id}-attempt-{attempt}"
        if name in hanging[run.device]:
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
        rung += 1
    return rung
