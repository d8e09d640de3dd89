"""What a round's job says while it works."""

import shutil
from pathlib import Path

import pytest

from grice_core.errors import StaleOwnerError
from grice_core.store import runs, transitions
from grice_core.store.database import Database
from grice_core.store.states import RunState
from grice_core.store.vanishing import MAX_FUTILE_ATTEMPTS
from tests.store.samples import claim_of, queued
from worker.round_report import RoundReport


@pytest.fixture
def database(template: Path, tmp_path: Path) -> Database:
    return Database.at(f"sqlite:///{shutil.copy(template, tmp_path / 'grice.db')}")


def attempt(database: Database, run_id: int) -> tuple[RoundReport, "FakeClock"]:
    """A job that begins, or continues, a round."""
    clock = FakeClock()
    claim = claim_of(database, run_id)
    return RoundReport(database, claim, runs.get(database, run_id).result, clock), clock


class FakeClock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_phase_yield_and_pairs_are_kept_while_the_run_works(database: Database) -> None:
    run_id = queued(database)
    report, clock = attempt(database, run_id)
    report.on_phase("sample", 8, 40)
    clock.now += 4
    report.on_phase("sample", 16, 40)
    report.on_round({"model": "stage1"})
    report.keep({"data_set_id": 3})
    phase = {"name": "sample", "done": 16, "total": 40, "pace_s": 0.5}
    assert runs.get(database, run_id).result == {
        "round": {"model": "stage1", "phase": phase},
        "data_set_id": 3,
    }
    transitions.finish(database, report.claim, {"round": {"model": "stage1"}})
    assert runs.get(database, run_id).result == {"round": {"model": "stage1"}}


def test_the_database_is_written_about_once_a_second(database: Database) -> None:
    run_id = queued(database)
    report, clock = attempt(database, run_id)
    report.on_phase("sample", 0, 40)
    clock.now += 0.5
    report.on_phase("sample", 5, 40)
    assert phase_of(database, run_id)["done"] == 0
    report.on_phase("sample", 40, 40)
    assert phase_of(database, run_id)["done"] == 40


def test_answers_are_progress_and_standing_at_the_same_one_is_not(database: Database) -> None:
    """A long sampling that is killed now and then is not given up, one that always dies there is."""
    run_id = queued(database)
    for done in range(1, 2 * MAX_FUTILE_ATTEMPTS):
        report, _ = attempt(database, run_id)
        report.on_phase("sample", done, 40)
        assert transitions.interrupt(database, report.claim, "killed") is RunState.INTERRUPTED
    states = []
    for _ in range(MAX_FUTILE_ATTEMPTS):
        report, _ = attempt(database, run_id)
        report.on_phase("ask", 3, 3)  # before sampling: all of it was done by an earlier attempt
        report.on_phase("sample", done, 40)
        states.append(transitions.interrupt(database, report.claim, "killed"))
    assert states[-1] is RunState.FAILED


def test_a_former_owner_says_nothing(database: Database) -> None:
    run_id = queued(database)
    report, _ = attempt(database, run_id)
    transitions.interrupt(database, report.claim, "killed")
    claim_of(database, run_id, "host:2")
    with pytest.raises(StaleOwnerError):
        report.on_phase("sample", 1, 40)
    assert runs.get(database, run_id).result is None


def phase_of(database: Database, run_id: int) -> dict[str, object]:
    found: dict[str, object] = (runs.get(database, run_id).result or {})["round"]["phase"]
    return found
