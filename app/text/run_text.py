"""Runs in words: what they do, how they stand, what they wait for, when they are done."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from app.text.formatting import count_of, stage_title
from app.text.round_text import beyond_steps
from grice_core.durations import rough_duration
from grice_core.store.queue_lines import QueueLine
from grice_core.store.states import Device, RunKind, RunState
from grice_core.store.tables import Run

_STALLED = "stalled"
"""Kind of trouble that workers report; see `worker.stalls`."""
STATE_MARKS: Final = {
    RunState.QUEUED: "○",
    RunState.RUNNING: "●",
    RunState.INTERRUPTED: "◐",
    RunState.SUCCEEDED: "✓",
    RunState.FAILED: "✗",
    RunState.CANCELLED: "–",
}


def action(kind: RunKind, stage: str | None) -> str:
    """What a run does, as pages say it: `score data`, `train Stage 1`."""
    return kind.of_stage(stage and stage_title(stage))


def chain_label(run: Run) -> str:
    """A run as a link of its pipeline's chain: `✓ score`."""
    return f"{STATE_MARKS[run.state]} {action(run.kind, run.stage)}"


def standing(run: Run) -> str:
    """How a run stands, as one sentence without its full stop."""
    parts = [f"{action(run.kind, run.stage)}: {_state(run)}"]
    if how_far := progress_of(run):
        parts.append(how_far)
    if stands_still(run):
        return " · ".join([*parts, "stalled"])
    left_s = seconds_left(run)
    if left_s is not None:
        parts.append(f"about {rough_duration(left_s)} left")
    if run.stale:
        parts.append("stale: something it is built on was run again since")
    return " · ".join(parts)


def progress_of(run: Run) -> str:
    """How far a run is that is not done: `step 3 of 10`; empty if that is not known."""
    phase = beyond_steps(run)
    if phase is not None:
        return str(phase)
    if not run.num_steps or run.state is RunState.SUCCEEDED:
        return ""
    return run.kind.progress(run.step, run.num_steps)


def current_troubles(run: Run) -> Mapping[str, str]:
    """What a person should know of a run; that it stood still is past once it has ended."""
    troubles = run.troubles or {}
    is_past = run.state is not RunState.RUNNING
    return {kind: said for kind, said in troubles.items() if not (is_past and kind == _STALLED)}


def stands_still(run: Run) -> bool:
    """Whether its worker has seen that its job does nothing any more."""
    return run.state is RunState.RUNNING and _STALLED in (run.troubles or {})


def _state(run: Run) -> str:
    """The state, with what follows from it."""
    trains = run.kind is RunKind.TRAIN
    if run.state is RunState.RUNNING and run.stop_requested:
        return "stopping as soon as a checkpoint is written" if trains else "stopping"
    phase = beyond_steps(run)
    if run.state is RunState.INTERRUPTED:
        where = f"step {run.checkpoint_step or 0:,}" if phase is None else "there"
        return f"interrupted, continuing from {where}"
    if run.state is RunState.CANCELLED and run.started_at is None:
        return "cancelled before it began"
    if run.state is RunState.CANCELLED and trains and phase is None:
        if run.checkpoint_step is None:
            return "stopped before its first step"
        return f"stopped, checkpointed at step {run.checkpoint_step:,}"
    return "stopped" if run.state is RunState.CANCELLED else str(run.state)


def seconds_left(run: Run) -> float | None:
    """How long a running run will take, at its pace on average since this attempt began.

    None in its first steps, which say nothing yet.
    """
    if run.state is not RunState.RUNNING or run.pace_s is None or not run.num_steps:
        return None
    if beyond_steps(run) is not None:
        return None
    return run.pace_s * (run.num_steps - run.step)


def reason_for_waiting(
    line: QueueLine, num_workers: Mapping[Device, int], paused: Collection[Device] = ()
) -> str:
    """Why what stands in the queue is not running."""
    device = line.first.device
    if line.obstacles:
        obstacle = line.obstacles[0]
        before = action(obstacle.kind, obstacle.stage)
        if obstacle.state.is_finished():
            return (
                f"{before} (run {obstacle.parent_id}) {obstacle.state}: resume it, or run it again"
            )
        return f"continues after {before} (run {obstacle.parent_id}), which is {obstacle.state}"
    if device in paused:
        return "the queue is paused"
    if not num_workers.get(device):
        return f"no {device} worker is running: “grice up” starts one"
    if line.position == 1:
        return f"next, as soon as a {device} worker is free"
    return f"{count_of((line.position or 1) - 1, 'other')} before it"


def current(chain: Sequence[Run]) -> Run:
    """The run of a pipeline that a person wants to see first: the one where something happens."""
    for states in ({RunState.RUNNING}, {RunState.FAILED, RunState.INTERRUPTED, RunState.CANCELLED}):
        for run in chain:
            if run.state in states:
                return run
    waiting = (run for run in chain if run.state is RunState.QUEUED)
    trained = (run for run in chain if run.stage)
    return next(waiting, None) or next(trained, chain[0])
