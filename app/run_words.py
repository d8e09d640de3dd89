"""Runs in words: what they do, how they stand, what they wait for, when they are done."""

from collections.abc import Sequence
from typing import Final

from app.wording import count_of
from grice_core.store.pipelines import RunSummary
from grice_core.store.runs import QueueEntry
from grice_core.store.states import Device, RunState
from grice_core.store.tables import Run

STATE_MARKS: Final = {
    RunState.QUEUED: "○",
    RunState.RUNNING: "●",
    RunState.INTERRUPTED: "◐",
    RunState.SUCCEEDED: "✓",
    RunState.FAILED: "✗",
    RunState.CANCELLED: "–",
}
_STEPS_TO_SETTLE = 5


def what(run: Run | RunSummary) -> str:
    """What a run does: `score`, `train stage1`."""
    return " ".join(filter(None, [run.kind.replace("_", " "), run.stage]))


def chain_label(run: Run) -> str:
    """A run as a link of its pipeline's chain: `✓ score`."""
    return f"{STATE_MARKS[run.state]} {what(run)}"


def standing(run: Run) -> str:
    """How a run stands, as one sentence without its full stop."""
    state = "asked to stop" if run.stop_requested and run.state is RunState.RUNNING else run.state
    parts = [f"{what(run)}: {state}"]
    if run.num_steps and run.state is not RunState.SUCCEEDED:
        parts.append(f"step {run.step:,} of {run.num_steps:,}")
    if run.state is RunState.INTERRUPTED:
        parts.append("goes on from its last checkpoint as soon as a worker is free")
    if run.state is RunState.CANCELLED and run.step:
        parts.append(f"checkpointed at step {run.step:,}, can be resumed")
    left_s = seconds_left(run)
    if left_s is not None:
        parts.append(f"about {duration(left_s)} left")
    if run.stale:
        parts.append("stale: something it is built on was run again since")
    return " · ".join(parts)


def seconds_left(run: Run) -> float | None:
    """How long a running run will take, going by its speed so far.

    None in its first steps, and after an interruption, since the time that it stood still is not known.
    """
    known = run.started_at is not None and run.heartbeat_at is not None and run.num_steps
    if run.state is not RunState.RUNNING or run.attempt != 1 or not known:
        return None
    if run.step < _STEPS_TO_SETTLE:
        return None
    elapsed_s = (run.heartbeat_at or 0.0) - (run.started_at or 0.0)
    return elapsed_s / run.step * ((run.num_steps or 0) - run.step)


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def reason_for_waiting(entry: QueueEntry, num_workers: dict[Device, int]) -> str:
    """Why a run of the queue is not running."""
    device = entry.run.device
    if entry.obstacles:
        first = entry.obstacles[0]
        before = " ".join(filter(None, [first.kind.replace("_", " "), first.stage]))
        if first.state.is_finished():
            return f"{before} (run {first.parent_id}) is {first.state}: resume it, or run it again"
        return f"waits for {before} (run {first.parent_id}), which is {first.state}"
    if not num_workers.get(device):
        return f"no {device} worker is listening: `grice up` starts one"
    if entry.position == 1:
        return f"next, as soon as a {device} worker is free"
    return f"{count_of((entry.position or 1) - 1, 'run')} before it"


def current(chain: Sequence[Run]) -> Run:
    """The run of a pipeline that a person wants to see first: the one where something happens."""
    for states in ({RunState.RUNNING}, {RunState.FAILED, RunState.INTERRUPTED, RunState.CANCELLED}):
        for run in chain:
            if run.state in states:
                return run
    waiting = (run for run in chain if run.state is RunState.QUEUED)
    trained = (run for run in chain if run.stage)
    return next(waiting, None) or next(trained, chain[0])
