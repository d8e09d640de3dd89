"""What an installation consists of, as rows of a table."""

import platform
import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from app.components.number_table import Cell
from app.studio import Studio
from app.wording import count_of
from grice_core.store import migrate
from grice_core.store.states import WAITING, RunState

_LIBRARIES = ("grice-studio", "torch", "transformers", "peft", "streamlit", "rq", "SQLAlchemy")


def queue_rows(counts: Mapping[RunState, int], is_available: bool) -> Iterator[list[Cell]]:
    """The queue's server, and how many runs are in each state."""
    answer = Cell("answers") if is_available else Cell("can't be reached", tone="bad")
    yield [Cell("queue server"), answer]
    yield [Cell("running"), Cell(f"{counts.get(RunState.RUNNING, 0):,}")]
    yield [Cell("waiting"), Cell(f"{sum(counts.get(state, 0) for state in WAITING):,}")]
    for state in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED):
        yield [Cell(state), Cell(f"{counts.get(state, 0):,}")]


def storage_rows(studio: Studio) -> Iterator[list[Cell]]:
    """Where things are kept, and how much room there is."""
    engine = studio.database.engine
    now, latest = migrate.revision(engine), migrate.latest_revision()
    state = Cell(f"{now}, newest") if now == latest else Cell(f"{now} of {latest}", tone="bad")
    usage = shutil.disk_usage(studio.home)
    yield [Cell("database"), Cell(engine.url.render_as_string(hide_password=True))]
    if engine.url.database and engine.dialect.name == "sqlite":
        yield [Cell("database size"), Cell(_size(Path(engine.url.database).stat().st_size))]
    yield [Cell("migration"), state]
    yield [Cell("artifacts"), Cell(studio.artifacts.objects.url)]
    yield [Cell("disk free"), Cell(f"{_size(usage.free)} of {_size(usage.total)}")]


def version_rows() -> Iterator[list[Cell]]:
    """Versions of Python and of what numbers depend on."""
    yield [Cell("Python"), Cell(platform.python_version())]
    for name in _LIBRARIES:
        yield [Cell(name), Cell(version(name))]


def _size(num_bytes: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if num_bytes < 1024:
            return (
                count_of(int(num_bytes), "byte") if unit == "bytes" else f"{num_bytes:.1f} {unit}"
            )
        num_bytes /= 1024
    return f"{num_bytes:,.1f} GiB"
