"""What an installation consists of, as rows of a table."""

import platform
import shutil
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version

from app.state.studio import Studio
from app.text.formatting import count_of, size
from app.ui.number_table import Cell
from grice_core.redaction import redacted
from grice_core.store import migrate, sizes
from grice_core.store.references import Collected
from grice_core.store.states import WAITING, RunState
from worker.client import WorkerStatus

_LIBRARIES = ("grice-studio", "torch", "transformers", "peft", "streamlit", "rq", "SQLAlchemy")


def queue_rows(counts: Mapping[RunState, int], is_available: bool) -> Iterator[list[Cell]]:
    """The queue's server, and how many runs are in each state."""
    answer = Cell("answers") if is_available else Cell("can't be reached", tone="bad")
    yield [Cell("queue server"), answer]
    yield [Cell("running"), Cell(f"{counts.get(RunState.RUNNING, 0):,}")]
    yield [Cell("waiting"), Cell(f"{sum(counts.get(state, 0) for state in WAITING):,}")]
    for state in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED):
        yield [Cell(state), Cell(f"{counts.get(state, 0):,}")]


def worker_rows(workers: Iterable[WorkerStatus]) -> Iterator[list[Cell]]:
    """Each worker, what it computes on, how much memory that has free, and whether it is busy."""
    for worker in workers:
        hardware = worker.hardware
        known = hardware.free_bytes is not None and hardware.memory_bytes is not None
        memory = f"{size(hardware.free_bytes or 0)} of {size(hardware.memory_bytes or 0)}"
        yield [
            Cell(worker.name, hardware.name),
            Cell(worker.device.upper()),
            Cell(memory if known else "–"),
            Cell("busy" if worker.is_busy else "idle"),
        ]


def storage_rows(studio: Studio, stored: Collected) -> Iterator[list[Cell]]:
    """Where things are kept, and how much room they take and there is; `stored`: all artifacts."""
    engine = studio.database.engine
    now, latest = migrate.revision(engine), migrate.latest_revision()
    state = Cell(f"{now}, newest") if now == latest else Cell(f"{now} of {latest}", tone="bad")
    usage = shutil.disk_usage(studio.home)
    address = redacted(engine.url.render_as_string(hide_password=False))
    yield [Cell("database"), Cell(address, wraps=True)]
    yield [Cell("database size"), Cell(size(sizes.database_bytes(studio.database)))]
    yield [Cell("migration"), state]
    yield [Cell("artifacts"), Cell(studio.artifacts.objects.url, wraps=True)]
    yield [
        Cell("artifacts' size"),
        Cell(f"{size(stored.size_bytes)} in {count_of(stored.num_files, 'file')}"),
    ]
    yield [Cell("disk free"), Cell(f"{size(usage.free)} of {size(usage.total)}")]


def version_rows() -> Iterator[list[Cell]]:
    """Versions of Python and of what numbers depend on."""
    yield [Cell("Python"), Cell(platform.python_version())]
    for name in _LIBRARIES:
        yield [Cell(name), Cell(version(name))]
