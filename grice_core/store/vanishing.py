"""What becomes of a run that ended without saying why: its process died, or its worker's lease ran out."""

from grice_core.store.states import RunState
from grice_core.store.tables import JsonObject, Run

MAX_FUTILE_ATTEMPTS = 3
"""A run that vanished this often without getting further than ever before is given up."""


def after_vanishing(run: Run, cause: str) -> tuple[RunState, str]:
    """What becomes of a run that ended without saying why, and the words for it."""
    if run.stop_requested:
        return RunState.CANCELLED, cause
    if run.futile_attempts >= MAX_FUTILE_ATTEMPTS:
        return RunState.FAILED, (
            f"given up after {run.futile_attempts} attempts in a row that got no further than step "
            f"{run.furthest_step}; the last one: {cause}. Look at its log, then resume it"
        )
    return RunState.INTERRUPTED, cause


def remembered(run: Run, state: RunState, cause: str) -> JsonObject | None:
    """What is to be known of a run, its interruption included: the next attempt begins too soon for
    anybody to see the state."""
    if state is not RunState.INTERRUPTED:
        return run.troubles
    sentence = f"interrupted at step {run.step:,} ({cause}), continuing from step {run.checkpoint_step or 0:,}"
    return {**(run.troubles or {}), "interrupted": sentence}
