"""Runs in words."""

import pytest

from app.app_pages.runs.run_log import last_lines
from app.text.round_text import phase_of, yield_sentences
from app.text.run_text import (
    chain_label,
    current,
    current_troubles,
    reason_for_waiting,
    seconds_left,
    standing,
)
from app.ui.running_work import line_of, share_done
from grice_core.store.queue_lines import Obstacle, QueueLine
from grice_core.store.states import Device, RunKind, RunState
from grice_core.store.tables import Run


def run_that(state: RunState, **columns: object) -> Run:
    """A training of stage 1 with 100 steps."""
    usual = {"id": 7, "kind": RunKind.TRAIN, "stage": "stage1", "num_steps": 100, "step": 0}
    usual |= {"device": Device.CPU, "attempt": 1, "stop_requested": False, "stale": False}
    return Run(state=state, **(usual | columns))


def test_the_time_left_follows_the_pace_of_this_attempt() -> None:
    run = run_that(RunState.RUNNING, step=25, pace_s=2.0, attempt=2)
    assert seconds_left(run) == 150.0
    assert standing(run) == "train Stage 1: running · step 25 of 100 · about 2 min left"


@pytest.mark.parametrize("columns", [{"pace_s": None}, {"num_steps": None}])
def test_no_time_is_told_before_it_can_be_known(columns: dict[str, object]) -> None:
    assert (
        seconds_left(run_that(RunState.RUNNING, **({"step": 25, "pace_s": 2.0} | columns))) is None
    )


def test_a_stopped_run_says_where_it_was_checkpointed() -> None:
    stopped = run_that(RunState.CANCELLED, step=41, checkpoint_step=40, started_at=1.0)
    assert standing(stopped).startswith("train Stage 1: stopped, checkpointed at step 40 · step 41")
    early = run_that(RunState.CANCELLED, started_at=1.0)
    assert standing(early).startswith("train Stage 1: stopped before its first step")
    assert "cancelled before it began" in standing(run_that(RunState.CANCELLED))


def test_an_interrupted_run_says_where_it_goes_on() -> None:
    run = run_that(RunState.INTERRUPTED, step=47, checkpoint_step=40)
    assert standing(run).startswith("train Stage 1: interrupted, continuing from step 40")
    assert "continuing from step 0" in standing(run_that(RunState.INTERRUPTED))


def test_a_job_that_stands_still_is_said_to_be_stalled_as_long_as_it_runs() -> None:
    troubles = {"stalled": "its process has been stopped", "loss": "it diverges"}
    run = run_that(RunState.RUNNING, step=25, pace_s=2.0, troubles=troubles)
    assert standing(run) == "train Stage 1: running · step 25 of 100 · stalled"
    assert line_of(run) == "Run 7: train Stage 1, stalled: see its page"
    assert current_troubles(run) == troubles
    stopped = run_that(RunState.CANCELLED, step=25, troubles=troubles, started_at=1.0)
    assert "stalled" not in standing(stopped)
    assert list(current_troubles(stopped)) == ["loss"]


def test_a_chain_opens_where_something_happens() -> None:
    done, failed = run_that(RunState.SUCCEEDED), run_that(RunState.FAILED)
    running, queued = run_that(RunState.RUNNING), run_that(RunState.QUEUED)
    assert current([done, failed, running]) is running
    assert current([done, failed, queued]) is failed
    assert current([done, queued]) is queued
    assert current([done]) is done
    assert chain_label(failed) == "✗ train Stage 1"


def line(position: int | None, *obstacles: Obstacle) -> QueueLine:
    return QueueLine((run_that(RunState.QUEUED),), "joint on pairs", position, False, obstacles)


def test_what_waits_says_what_for() -> None:
    there = {Device.CPU: 1}
    parent = Obstacle(7, 3, RunKind.SCORE, None, RunState.RUNNING)
    failed = Obstacle(7, 3, RunKind.SCORE, None, RunState.FAILED)
    assert reason_for_waiting(line(None, parent), there) == (
        "continues after score (run 3), which is running"
    )
    assert "score (run 3) failed: resume it" in reason_for_waiting(line(None, failed), there)
    assert "no cpu worker" in reason_for_waiting(line(1), {})
    assert reason_for_waiting(line(1), there) == "next, as soon as a cpu worker is free"
    assert reason_for_waiting(line(3), there) == "2 others before it"
    assert reason_for_waiting(line(3), there, {Device.CPU}) == "the queue is paused"
    assert reason_for_waiting(line(3), there, {Device.GPU}) == "2 others before it"


def test_a_line_that_a_progress_bar_wrote_over_shows_what_remained() -> None:
    assert last_lines("a\n10 %\r20 %\nb\n", 2) == "20 %\nb"


def test_each_kind_of_run_counts_what_it_makes() -> None:
    assert RunKind.EVALUATE.progress(400, 600) == "200 of 300 answers"  # written, then judged
    assert RunKind.SCORE_DATA.progress(1_000, 1_970) == "1,000 of 1,970 pairs"
    assert RunKind.TRAIN.progress(3, 88) == "step 3 of 88"


def test_a_round_says_what_it_does_before_its_first_step() -> None:
    phase = {"name": "sample", "done": 640, "total": 1536, "pace_s": 0.25}
    run = run_that(
        RunState.RUNNING, stage="round1", num_steps=None, result={"round": {"phase": phase}}
    )
    said = "sampling answers to training prompts, 640 of 1,536"
    assert standing(run) == f"train Round 1: running · {said}"
    assert line_of(run) == f"Run 7: train Round 1, running, {said}"
    assert share_done(run) == 640 / 1536
    at = phase_of(run)
    assert at is not None
    assert at.left() == "about 4 min left of this step"


def test_a_round_that_trains_counts_its_steps_and_later_its_answers() -> None:
    training = {"name": "train", "done": 0, "total": 0, "pace_s": None}
    columns = {"stage": "round1", "step": 25, "pace_s": 2.0}
    run = run_that(RunState.RUNNING, result={"round": {"phase": training}}, **columns)
    assert standing(run) == "train Round 1: running · step 25 of 100 · about 2 min left"
    checking = {"name": "check", "done": 3, "total": 24, "pace_s": 1.0}
    run = run_that(RunState.RUNNING, result={"round": {"phase": checking}}, **columns)
    assert standing(run) == (
        "train Round 1: running · writing answers to held-out prompts again, 3 of 24"
    )


def test_an_interrupted_round_goes_on_where_it_was() -> None:
    phase = {"name": "judge", "done": 3, "total": 24, "pace_s": None}
    run = run_that(RunState.INTERRUPTED, stage="round1", result={"round": {"phase": phase}})
    assert standing(run) == (
        "train Round 1: interrupted, continuing from there · judging sampled answers, 3 of 24"
    )


def test_the_yield_of_a_round_names_the_reason_against_each_prompt_without_a_pair() -> None:
    sampled = {
        "num_prompts": 384,
        "num_pairs": 369,
        "dropped": {"no finished answer": 0, "answers too alike": 12, "worse on another maxim": 3},
    }
    kept = {"num_train": 340, "num_heldout": 61, "dropped": {"manner": 9}}
    assert yield_sentences({"sampled": sampled, "kept": kept}) == [
        "384 training prompts asked, 369 pairs made (96 %); "
        "no pair: 12 answers too alike, 3 worse on another maxim",
        "340 pairs to train on, 61 held out; left out by the stage's filter: 9 manner",
    ]
    assert yield_sentences({}) == []
