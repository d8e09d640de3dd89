"""What Prometheus asks: the queue, the runs, the workers and the disk, looked up when it asks."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis, RedisError

from grice_core.errors import GriceError, InputError
from grice_core.store import runs
from grice_core.store.database import Database
from grice_core.store.runs import RunFilter
from grice_core.store.states import RunState
from worker.heartbeats import read_heartbeats

_RUNNING = RunFilter(states=(RunState.RUNNING,))


class Metrics(Collector):
    """No text of a user and no name of a pipeline: kinds, numbers, ids and workers' names."""

    def __init__(self, database: Database, redis: Redis, home: Path) -> None:
        self._database = database
        self._redis = redis
        self._home = home

    def collect(self) -> Iterator[Metric]:
        """All of it, as far as database and queue answer; `grice_up` says which do."""
        up = GaugeMetricFamily("grice_up", "Whether this part answers", labels=["part"])
        for part, look in (("database", self._runs), ("queue", self._workers)):
            try:
                yield from list(look())
                up.add_metric([part], 1)
            except (GriceError, RedisError):
                up.add_metric([part], 0)
        yield up
        yield GaugeMetricFamily(
            "grice_home_free_bytes", "Room on the home's disk", shutil.disk_usage(self._home).free
        )

    def _runs(self) -> Iterator[Metric]:
        counts = GaugeMetricFamily("grice_runs", "Runs", labels=["kind", "state"])
        claims = CounterMetricFamily(
            "grice_run_claims",
            "How often workers took runs; beyond one per run: after kills, lost leases and resumptions",
            labels=["kind"],
        )
        taken: dict[str, int] = {}
        for load in runs.load(self._database):
            counts.add_metric([load.kind, load.state], load.num_runs)
            taken[load.kind] = taken.get(load.kind, 0) + load.num_claims
        for kind, num_claims in taken.items():
            claims.add_metric([kind], num_claims)
        waits = GaugeMetricFamily(
            "grice_queue_wait_seconds",
            "Since when the longest-waiting run could go",
            labels=["device"],
        )
        for device, seconds in runs.longest_waits(self._database).items():
            waits.add_metric([device], seconds)
        yield from (counts, claims, waits, *self._progress())

    def _progress(self) -> Iterator[Metric]:
        labels = ["run", "kind"]
        pace = GaugeMetricFamily(
            "grice_run_step_seconds", "Seconds per step since it was claimed", labels=labels
        )
        done = GaugeMetricFamily("grice_run_done_ratio", "Steps done, of all", labels=labels)
        for run in runs.page(self._database, _RUNNING):
            if run.pace_s is not None:
                pace.add_metric([str(run.id), run.kind], run.pace_s)
            if run.num_steps:
                done.add_metric([str(run.id), run.kind], run.step / run.num_steps)
        yield from (pace, done)

    def _workers(self) -> Iterator[Metric]:
        labels = ["worker", "device"]
        listening = GaugeMetricFamily("grice_worker_up", "Workers that listen", labels=labels)
        free = GaugeMetricFamily(
            "grice_worker_free_memory_bytes", "Free memory of its GPU or machine", labels=labels
        )
        for worker in read_heartbeats(self._redis):
            listening.add_metric([worker.name, worker.device], 1)
            if worker.hardware.free_bytes is not None:
                free.add_metric([worker.name, worker.device], worker.hardware.free_bytes)
        yield from (listening, free)


def serve_metrics(metrics: Metrics, address: str, port: int) -> None:
    """Answer `/metrics` in a thread, for as long as this process lives.

    Raises:
        InputError: nothing can listen there.
    """
    registry = CollectorRegistry()
    registry.register(metrics)
    try:
        start_http_server(port, address, registry)
    except OSError as error:
        raise InputError(
            f"metrics can't be served at {address}:{port} ({error.strerror}); set GRICE_METRICS_PORT to "
            "another port"
        ) from None
