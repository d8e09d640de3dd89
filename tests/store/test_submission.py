"""Submitting twice gives one run."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from grice_core.errors import NotFoundError
from grice_core.store import runs
from grice_core.store.database import Database
from grice_core.store.states import Device, RunKind
from grice_core.store.submission import RunDraft, submit_run

NUM_THREADS = 20


def test_twenty_threads_submitting_the_same_key_make_one_run(database: Database) -> None:
    together = Barrier(NUM_THREADS)

    def submit(_: int) -> int:
        together.wait()
        return submit_run(database, RunDraft("the one", RunKind.SCORE, {}))

    with ThreadPoolExecutor(NUM_THREADS) as threads:
        ids = set(threads.map(submit, range(NUM_THREADS)))
    assert len(ids) == 1
    assert [run.id for run in runs.page(database)] == list(ids)


def test_the_first_submission_of_a_key_counts(database: Database) -> None:
    first = submit_run(database, RunDraft("a", RunKind.SCORE, {"seed": 1}))
    second = submit_run(database, RunDraft("a", RunKind.TRAIN, {"seed": 2}, device=Device.GPU))
    assert first == second
    assert runs.get(database, first).spec == {"seed": 1}


def test_what_was_submitted_again_takes_no_number(database: Database) -> None:
    ids = [submit_run(database, RunDraft(key, RunKind.SCORE, {})) for key in ("a", "a", "a", "b")]
    assert ids == [1, 1, 1, 2]


def test_a_parent_that_is_not_there_is_refused_with_the_whole_submission(
    database: Database,
) -> None:
    with pytest.raises(NotFoundError, match="no run with the key 'nobody'"):
        submit_run(database, RunDraft("a", RunKind.TRAIN, {}, parents=("nobody",)))
    assert runs.page(database) == []
