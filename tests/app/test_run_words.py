"""Runs in words."""

import pytest

from app.components.run_log import last_lines
from app.run_words import chain_label, current, duration, reason_for_waiting, seconds_left, standing
from grice_core.store.runs import Obstacle, QueueEntry
from grice_core.store.states import Device, RunKind, RunState
from grice_core.store.tables import Run


def run_that(state: RunState, **columns: object) -> Run:
    """A training of stage 1 with 100 steps."""
    usual = {"id": 7, "kind": RunKind.TRAIN, "stage": "stage1", "num_steps": 100, "step": 0}
    usual |= {"device": Device.CPU, "attempt": 1, "stop_requested": False, "stale": False}
    return Run(state=state, **(usual | columns))


def test_the_time_left_follows_the_speed_so_far() -> None:
    run = run_that(RunState.RUNNING, step=25, started_at=1000.0, heartbeat_at=1050.0)
    assert seconds_left(run) == 150.0
    assert standing(run) == "train stage1: running · step 25 of 100 · about 2 min left"


@pytest.mark.parametrize("columns", [{"step": 4}, {"attempt": 2}, {"num_steps": None}])
def test_no_time_is_told_before_it_can_be_known(columns: dict[str, object]) -> None:
    run = run_that(
        RunState.RUNNING, **({"step": 25, "started_at": 1000.0, "heartbeat_at": 1050.0} | columns)
    )
    assert seconds_left(run) is None


def test_a_stopped_run_says_where_it_was_checkpointed() -> None:
    assert "checkpointed at step 40" in standing(run_that(RunState.CANCELLED, step=40))


def test_a_chain_opens_where_something_happens() -> None:
    done, failed = run_that(RunState.SUCCEEDED), run_that(RunState.FAILED)
    running, queued = run_that(RunState.RUNNING), run_that(RunState.QUEUED)
    assert current([done, failed, running]) is running
    assert current([done, failed, queued]) is failed
    assert current([done, queued]) is queued
    assert current([done]) is done
    assert chain_label(failed) == "✗ train stage1"


def test_a_waiting_run_says_what_it_waits_for() -> None:
    run = run_that(RunState.QUEUED)
    parent = Obstacle(7, 3, RunKind.SCORE, None, RunState.RUNNING)
    failed = Obstacle(7, 3, RunKind.SCORE, None, RunState.FAILED)
    there = {Device.CPU: 1}
    assert reason_for_waiting(QueueEntry(run, None, (parent,)), there) == (
        "waits for score (run 3), which is running"
    )
    assert "resume it" in reason_for_waiting(QueueEntry(run, None, (failed,)), there)
    assert "no cpu worker" in reason_for_waiting(QueueEntry(run, 1, ()), {})
    assert reason_for_waiting(QueueEntry(run, 3, ()), there) == "2 runs before it"


@pytest.mark.parametrize(
    ("seconds", "words"), [(40, "40 s"), (720, "12 min"), (11_100, "3 h 5 min")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_line_that_a_progress_bar_wrote_over_shows_what_remained() -> None:
    assert last_lines("a\n10 %\r20 %\nb\n", 2) == "20 %\nb"
