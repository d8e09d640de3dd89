"""A whole installation of real processes, in a folder of its own, to be mistreated."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grice_core.store import runs
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database, Retries
from grice_core.store.engine import connect
from grice_core.store.migrate import upgrade
from grice_core.store.states import RunState
from grice_core.store.tables import Run
from tests.worker.command import grice_here
from tests.worker.processes import end, eventually
from worker.client import RunQueue
from worker.connection import client_of

QUICK = {
    "GRICE_LEASE_S": "10",
    "GRICE_HEARTBEAT_S": "0.5",
    "GRICE_RECONCILE_S": "1",
    "GRICE_GRACE_S": "5",
    "GRICE_STALL_S": "60",  # 6 for a job that was stopped by a signal
}


def _unfinished(queue: RunQueue) -> list[Run]:
    states = [state for state in RunState if not state.is_finished()]
    return list(runs.page(queue.database, runs.RunFilter(states=states)))


@dataclass
class Installation:
    """One home, one database, one queue; any number of workers."""

    home: Path
    database_url: str
    artifacts_url: str
    changes: Mapping[str, str] = field(default_factory=dict)
    valkey: "subprocess.Popen[bytes] | None" = None
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    _queue: RunQueue | None = None
    _processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        ours = {
            "GRICE_HOME": str(self.home),
            "GRICE_DATABASE_URL": self.database_url,
            "GRICE_ARTIFACTS_URL": self.artifacts_url,
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        }
        return {**os.environ, **QUICK, **ours, **self.changes}

    @property
    def socket(self) -> Path:
        return self.home / "valkey" / "valkey.sock"

    def queue(self) -> RunQueue:
        """The queue's door."""
        if self._queue is None:
            database = Database(connect(self.database_url), Retries(give_up_after_s=60))
            redis = client_of(self.environment.get("REDIS_URL", f"unix://{self.socket}"))
            self._queue = RunQueue(database, ArtifactStore(self.artifacts_url), redis)
        return self._queue

    def start(self, *module: str, **changes: Any) -> "subprocess.Popen[bytes]":
        """Start one of our modules, its output in the home's `log` file."""
        environment = self.environment | changes.pop("env", {})
        with (self.home / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *module], env=environment, stdout=log, stderr=log, **changes
            )
        self._processes.append(process)
        return process

    def start_valkey(self) -> None:
        self.valkey = self.start("worker.embedded")
        eventually(self.queue().is_available, "the queue's server answers")

    def kill_valkey(self) -> None:
        assert self.valkey is not None
        end(self.valkey)

    def start_worker(self, **changes: Any) -> "subprocess.Popen[bytes]":
        self.workers.append(self.start("worker", "--cpu", **changes))
        return self.workers[-1]

    def stand(self, num_workers: int = 1) -> "subprocess.Popen[bytes]":
        """See that all is well whatever was done to it; returns the first of its workers.

        Its queue runs, so many workers listen, and none of them has anything left to do. Starting a
        worker takes long, so one that is there is kept.
        """
        if self.valkey is None or self.valkey.poll() is not None:
            self.start_valkey()
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) > num_workers:
            end(self.workers.pop())
        while len(self.workers) < num_workers:
            self.start_worker()
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)
        queue, pids = self.queue(), {str(worker.pid) for worker in self.workers}
        for run in _unfinished(queue):
            queue.stop(run.id)
        eventually(lambda: not _unfinished(queue), "what was left to do is stopped")
        eventually(
            lambda: pids <= {worker.name.split(":")[1] for worker in queue.workers()},
            "all workers listen",
        )
        return self.workers[0]

    def revive(self) -> None:
        """Start again what has ended, as whoever keeps programs running does."""
        if self.valkey is None or self.valkey.poll() is not None:
            self.valkey = self.start("worker.embedded")
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        if not self.workers:
            self.start_worker()

    def close(self) -> None:
        for process in self._processes:
            end(process)
        if self._queue is not None:
            self._queue.database.engine.dispose()

    def log(self) -> str:
        return (self.home / "log").read_text(errors="replace")

    def grice(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command, in this process."""
        return grice_here(self.environment, *arguments)


def stop_outside_transactions(pids: Sequence[int], installation: "Installation") -> bool:
    """Stop processes, unless one of them holds the lock of the database's file at this moment.

    With SQLite, everybody waits for a process that was stopped in the middle of a transaction.
    """
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    if not installation.database_url.startswith("sqlite"):
        return True
    database = sqlite3.connect(installation.home / "grice.db", timeout=0, isolation_level=None)
    with closing(database):
        try:
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            return False
    return True


@contextmanager
def installed(
    template: Path | None = None,
    database_url: str | None = None,
    artifacts_url: str | None = None,
    **changes: str,
) -> Iterator[Installation]:
    """An installation that is gone at the end, processes and all."""
    # Not pytest's folder: the path of a socket may not be long. In memory where that is possible,
    # since no one cuts the power here, and waiting for the disk is most of the time.
    memory = Path("/dev/shm")  # noqa: S108
    home = Path(tempfile.mkdtemp(prefix="grice-", dir=memory if memory.is_dir() else None))
    url = database_url or f"sqlite:///{home / 'grice.db'}"
    if template is not None:
        shutil.copy(template, home / "grice.db")
    else:
        engine = connect(url)
        upgrade(engine)
        engine.dispose()
    kept = artifacts_url or f"file://{home / 'artifacts'}"
    installation = Installation(home, url, kept, changes)
    try:
        yield installation
    finally:
        installation.close()
        shutil.rmtree(home, ignore_errors=True)
