"""How long pages take on a large store, as Streamlit's own harness runs them: all of it but the browser's part.

Each visit is a session of its own that opens a link, as after a reload; what sessions share stays. Before every
other visit something changes: a run ends, so that what is kept until then is read again.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import streamlit as st
from sqlalchemy import update

from benchmarks.store_sample import CHAIN, evaluations
from grice_core.registry import Keeper
from grice_core.settings import Settings, settings
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.states import RunState
from grice_core.store.tables import Run
from tests.app.samples import write_pairs_file
from tests.app.test_pages import opened

AIM_S = 1.0


@dataclass(frozen=True)
class PageTime:
    """How long one page took over all visits, in seconds."""

    page: str
    first_s: float
    """With nothing in memory."""
    p50_s: float
    p95_s: float
    processor_p95_s: float
    """Of this process: with SQLite all of it, whatever else the machine does."""


def page_times(url: str, num_runs: int, num_visits: int) -> Iterator[PageTime]:
    """Open pages again and again on a database that `store_sample.build` has filled."""
    with _studio_on(url) as database:
        for title, links in _links(num_runs).items():
            yield _timed(title, links, database, num_visits)


def _links(num_runs: int) -> dict[str, list[dict[str, str]]]:
    """What is opened, by name: links of one page that are visited in turn."""
    newest = num_runs // len(CHAIN)
    evaluated = [str(run_id // len(CHAIN)) for run_id in evaluations(num_runs)[-10:]]
    any_pipeline = [str(newest - 100 * n) for n in range(min(10, newest // 100 or 1))]
    return {
        "overview": [{}],
        "runs": [{}],
        "runs, one pipeline": [{"pipeline": pipeline} for pipeline in any_pipeline],
        "data": [{}],
        "compare": [{"pipeline": pipeline} for pipeline in evaluated],
        "system": [{}],
    }


def _timed(title: str, links: list[dict[str, str]], database: Database, num: int) -> PageTime:
    walls, processors = [], []
    for visit, query in zip(range(num + 1), cycle(links), strict=False):
        if visit % 2:
            _end_a_run(database)
        started, processor = time.perf_counter(), time.process_time()
        opened(title.split(",", maxsplit=1)[0], **query)
        walls.append(time.perf_counter() - started)
        processors.append(time.process_time() - processor)
    first, *walls = walls
    p95 = statistics.quantiles(walls, n=20)[-1]
    processor_p95 = statistics.quantiles(processors[1:], n=20)[-1]
    return PageTime(title, first, statistics.median(walls), p95, processor_p95)


def _end_a_run(database: Database) -> None:
    """Let a run succeed that had failed, the newest of them."""
    with database.engine.begin() as connection:
        failed: Any = (
            Run.__table__.select()
            .where(Run.state == RunState.FAILED)
            .order_by(Run.id.desc())
            .limit(1)
        )
        row = connection.execute(failed).first()
        if row is not None:
            connection.execute(update(Run).where(Run.id == row.id).values(state=RunState.SUCCEEDED))


@contextmanager
def _studio_on(url: str) -> Iterator[Database]:
    """The pages of this process on a database, with a home of their own and pairs to explore."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ |= {"GRICE_HOME": folder, "GRICE_DATABASE_URL": url}
        settings.cache_clear()
        st.cache_resource.clear()
        database = Database.at(url)
        keeper = Keeper(database, ArtifactStore(Settings().artifacts_url))
        keeper.keep_pairs(write_pairs_file(home / "scored.json"), "scored.json")
        yield database
        database.engine.dispose()
