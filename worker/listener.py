"""RQ's worker, which waits for wake-ups; what it then does is the supervisor's business."""

import signal
import time
from contextlib import suppress
from types import FrameType

from redis import Redis, RedisError
from rq import Queue
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from grice_core.errors import GriceError
from worker import notify, tasks
from worker.supervisor import Supervisor

_AGAIN_AFTER_S = 1.0
_TTL_S = 60
_MAINTENANCE_EVERY_S = 30


class Listener(SimpleWorker):
    """Receives wake-ups one at a time; jobs run beside it, in processes that the supervisor watches."""

    max_connection_wait_time = 5.0

    def __init__(self, supervisor: Supervisor, redis: Redis) -> None:
        super().__init__(
            [notify.queue_of(redis, supervisor.context.device)],
            name=supervisor.context.owner,
            connection=redis,
            job_class=notify.RunJob,
            serializer=JSONSerializer,
            worker_ttl=_TTL_S,
            maintenance_interval=_MAINTENANCE_EVERY_S,
            log_job_description=False,
        )
        self._supervisor = supervisor
        self._taking = False
        tasks.serve(self._take_next)

    def subscribe(self) -> None:
        """Take no commands over the network: runs are stopped through the database."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Act on a wake-up; a server that is away by then need not know that it was done."""
        try:
            super().execute_job(job, queue)
        except RedisError as error:
            self._supervisor.context.say(f"the queue is unavailable ({error})", "queue unavailable")

    def request_stop(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """End when the current job has written its checkpoint; at once if there is none."""
        self._supervisor.shut_down()
        self._stop_requested = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if not self._taking:
            raise StopRequested

    def register_birth(self) -> None:
        """Say that we listen; after a lost connection, our name may still be there."""
        self.connection.delete(self.key)
        super().register_birth()  # type: ignore[no-untyped-call]

    def _take_next(self) -> None:
        self._taking = True
        try:
            self._supervisor.take_next()
        except GriceError as error:  # another wake-up is sent
            self._supervisor.context.say(str(error))
        finally:
            self._taking = False


def listen(supervisor: Supervisor, redis: Redis) -> None:
    """Receive wake-ups until the supervisor is to shut down, however often the server goes away."""
    while not supervisor.shutting_down:
        with suppress(StopRequested):
            try:
                Listener(supervisor, redis).work(logging_level="CRITICAL")
            except RedisError as error:
                supervisor.context.say(f"the queue is unavailable ({error})", "queue unavailable")
            if not supervisor.shutting_down:
                time.sleep(_AGAIN_AFTER_S)
