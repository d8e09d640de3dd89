"""A pipeline in words: where it stands, how long all of it will take."""

from collections.abc import Collection, Sequence
from contextlib import suppress

from app.state.pace import Pace
from app.state.stored_spec import reading, spec_of
from app.text.formatting import count_of
from app.text.run_text import current, progress_of, seconds_left
from grice_core.durations import rough_duration
from grice_core.errors import DataError
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import JsonObject, Run


def pipeline_standing(chain: Sequence[Run], pace: Pace | None) -> str:
    """Where a pipeline stands, as one sentence without its full stop."""
    run = current(chain)
    if all(each.state is RunState.SUCCEEDED for each in chain):
        return f"done in {rough_duration(_taken_s(chain))}"
    parts = [state_of({each.state for each in chain}), _place(chain, run)]
    if how_far := progress_of(run):
        parts.append(how_far)
    left_s = None
    with suppress(DataError):  # what is to come is damaged, which the page says
        left_s = pipeline_seconds_left(chain, pace)
    if left_s is not None:
        parts.append(f"about {rough_duration(left_s)} left")
    return " · ".join(parts)


def is_active(chain: Sequence[Run]) -> bool:
    """Whether anything will happen without a user asking: a run runs, or can be taken."""
    blocked = any(run.state in {RunState.FAILED, RunState.CANCELLED} for run in chain)
    running = any(run.state is RunState.RUNNING for run in chain)
    return running or (not blocked and any(run.state.is_waiting() for run in chain))


def pipeline_seconds_left(chain: Sequence[Run], pace: Pace | None) -> float | None:
    """Until all of it is done: what runs at its own pace, the others as far as theirs is known."""
    running = next((run for run in chain if run.state is RunState.RUNNING), None)
    if running is None:
        return None
    left_s = seconds_left(running)
    if left_s is None:
        return None
    later = [_expected_s(run, chain, running, pace) for run in chain if run.state.is_waiting()]
    return left_s + sum(seconds for seconds in later if seconds is not None)


def _expected_s(run: Run, chain: Sequence[Run], running: Run, pace: Pace | None) -> float | None:
    """How long a run that waits will take; None if nothing is known of its kind."""
    with reading(run):
        return _expected_of_readable_s(run, chain[0].result or {}, running, pace)


def _expected_of_readable_s(
    run: Run, found: JsonObject, running: Run, pace: Pace | None
) -> float | None:
    recipe = spec_of(run).recipe
    if run.kind is RunKind.TRAIN:
        steps = {stage["name"]: stage["num_steps"] for stage in found.get("stages", ())}
        sizes = {stage.name: stage.pairs_per_step for stage in recipe.stages}
        num_pairs = int(steps.get(run.stage, 0)) * sizes.get(run.stage or "", 0)
        if running.kind is RunKind.TRAIN and running.pace_s is not None:
            return num_pairs * running.pace_s / sizes[running.stage or ""]
        return None if pace is None else num_pairs * pace.per_pair_s + pace.per_run_s
    if run.kind is RunKind.EVALUATE and pace is not None:
        num_prompts = int(found.get("prompts", {}).get("used", 0))
        num_prompts *= int(run.spec.get("samples_per_prompt", 1))
        return (1 + len(recipe.stages)) * num_prompts * pace.per_answer_s + pace.per_run_s
    return None


def state_of(states: Collection[RunState]) -> str:
    """A pipeline's state in one word, from those of its runs."""
    if states and all(state is RunState.SUCCEEDED for state in states):
        return "done"
    for state in (RunState.RUNNING, RunState.FAILED, RunState.INTERRUPTED):
        if state in states:
            return str(state)
    if RunState.CANCELLED in states:
        return "stopped"
    return "waiting"


def _place(chain: Sequence[Run], run: Run) -> str:
    """`stage 1 of 2`, or what the run does."""
    trained = [each for each in chain if each.kind is RunKind.TRAIN]
    if run in trained:
        return f"stage {trained.index(run) + 1} of {len(trained)}"
    return run.kind.replace("_", " ")


def _taken_s(chain: Sequence[Run]) -> float:
    """From the first run's beginning to the last one's end."""
    began = min(run.started_at or 0.0 for run in chain)
    return max(run.finished_at or 0.0 for run in chain) - began


def what_goes(chain: Sequence[Run]) -> str:
    """What deleting a pipeline takes away."""
    return (
        f"{count_of(len(chain), 'run')} with their curves, answers, judgements, logs and adapters, "
        "and the models exported from them"
    )
