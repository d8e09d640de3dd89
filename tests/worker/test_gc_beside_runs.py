"""Garbage collected again and again while runs are asked for, begin and end.

Days pass in seconds for what no one has touched: what is stored is 13 hours old after `HALF_A_DAY_S`,
and a day old after as long again. `GRICE_KILLS=20` lets so many pipelines start meanwhile.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import update

from grice_core.store import data_sets, pipelines, references
from grice_core.store.artifacts import GRACE_S, ArtifactStore
from grice_core.store.database import Database
from grice_core.store.tables import Artifact
from tests.worker.asked import ask_anew
from tests.worker.installation import Installation, installed
from tests.worker.processes import forked, kill_forked
from tests.worker.test_kills import TIMES
from tests.worker.undisturbed import assert_undisturbed
from worker import workspace

pytestmark = pytest.mark.stack

HALF_A_DAY_S = 4.0
"""Longer than from the moment in which something is stored to that in which it is referred to."""


@pytest.fixture
def installation(template: Path) -> Iterator[Installation]:
    """An installation in which nothing else refers to what this test stores."""
    with installed(template) as found:
        yield found


def test_runs_that_start_while_garbage_is_collected_lose_nothing(
    installation, world, expected, tmp_path
):
    installation.stand()
    queue = installation.queue()
    with garbage_collected(installation) as how_often:
        for turn in range(TIMES):
            asked = ask_anew(queue, world)
            asked.until_done()
            assert_undisturbed(asked, expected, tmp_path)
            trained = asked.run("train").id
            left = installation.home / "work" / str(trained) / "0" / "attempt-1" / "left"
            left.mkdir(parents=True)  # as a worker that is killed just then leaves it
            age(left.parents[2], GRACE_S)
            queue.rerun(trained)
            asked.until_trained()
            # All that it was made of is garbage now, and stored again by the next one.
            pipelines.remove(queue.database, asked.pipeline_id)
            if turn % 2:
                for data_set in data_sets.page(queue.database):
                    data_sets.remove(queue.database, data_set.id)
    assert how_often() > TIMES


@contextmanager
def garbage_collected(installation: Installation) -> Iterator[Callable[[], int]]:
    """While the block lasts, another process makes things old and collects what no one needs.

    Yields how often it has done so.
    """
    count = installation.home / "collected"
    count.write_bytes(b"")
    url, home = installation.database_url, installation.home
    store = installation.queue().artifacts.objects.url

    def work() -> None:
        database, artifacts = Database.at(url), ArtifactStore(store)
        while True:
            let_time_pass(database, home)
            references.collect_garbage(database, artifacts)
            workspace.remove_leftovers(database, home)
            with count.open("ab") as file:
                file.write(b".")

    child = forked(work)
    try:
        yield lambda: count.stat().st_size
    finally:
        assert kill_forked(child), "the collection ended by itself"


def let_time_pass(database: Database, home: Path) -> None:
    for path in (home / "artifacts").rglob("*"):
        age_of_a_file(path)
    database.write(
        lambda session: session.execute(
            update(Artifact)
            .where(
                Artifact.created_at.between(
                    time.time() - GRACE_S / 2, time.time() - 2 * HALF_A_DAY_S
                )
            )
            .values(created_at=time.time() - 2 * GRACE_S)
        )
    )


def age_of_a_file(path: Path) -> None:
    with suppress(FileNotFoundError):
        if path.is_file():
            age_s = time.time() - path.stat().st_mtime
            if HALF_A_DAY_S < age_s < GRACE_S / 4:
                age(path, GRACE_S * 13 / 24)
            elif GRACE_S * 13 / 24 + HALF_A_DAY_S < age_s < GRACE_S:
                age(path, GRACE_S * 25 / 24)


def age(path: Path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))
