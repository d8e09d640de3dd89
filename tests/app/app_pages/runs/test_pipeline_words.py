"""Pipelines in words."""

import pytest

from app.app_pages.runs.pipeline_words import is_active, pipeline_seconds_left, pipeline_standing
from app.state.pace import Pace
from grice_core.recipes.load import load_recipe
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import JsonObject, Run

PACE = Pace(per_pair_s=0.5, per_answer_s=0.25, per_run_s=2.0, peak_bytes=None, source="by hand")
KINDS = (
    (RunKind.SCORE, None),
    (RunKind.TRAIN, "stage1"),
    (RunKind.TRAIN, "stage2"),
    (RunKind.EVALUATE, None),
    (RunKind.EXPORT, None),
)
SCORED: JsonObject = {
    "prompts": {"used": 10},
    "stages": [{"name": "stage1", "num_steps": 50}, {"name": "stage2", "num_steps": 20}],
}


def chain(*states: RunState, **current: object) -> list[Run]:
    """A pipeline of the default recipe; `current` goes into its first run that is not done."""
    spec = {"recipe": load_recipe("content-then-manner").model_dump(mode="json"), "seed": 0}
    found = []
    for (kind, stage), state in zip(KINDS, states, strict=True):
        run = Run(kind=kind, stage=stage, state=state, spec=spec, step=0, num_steps=None)
        run.started_at, run.finished_at, run.pace_s = 100.0, 160.0, None
        run.result = SCORED if kind is RunKind.SCORE else None
        found.append(run)
    first = next((run for run in found if run.state is not RunState.SUCCEEDED), found[0])
    for name, value in current.items():
        setattr(first, name, value)
    return found


DONE, RUNS, WAITS = RunState.SUCCEEDED, RunState.RUNNING, RunState.QUEUED


def test_a_running_pipeline_says_its_stage_its_step_and_how_long_all_of_it_takes() -> None:
    found = chain(DONE, RUNS, WAITS, WAITS, WAITS, step=10, num_steps=50, pace_s=2.0)
    # 40 steps and stage 2's 20, all of four pairs at 0.5 s; 3 models x 10 answers; loading.
    assert pipeline_seconds_left(found, PACE) == 80 + 40 + (7.5 + 2.0)
    assert pipeline_seconds_left(found, None) == 120
    assert pipeline_standing(found, PACE) == (
        "running · stage 1 of 2 · step 10 of 50 · about 2 min left"
    )
    assert is_active(found)


def test_no_time_is_told_in_the_first_steps() -> None:
    found = chain(DONE, RUNS, WAITS, WAITS, WAITS, step=1, num_steps=50)
    assert pipeline_standing(found, PACE) == "running · stage 1 of 2 · step 1 of 50"


@pytest.mark.parametrize(
    ("state", "said", "active"),
    [
        (RunState.FAILED, "failed · stage 1 of 2", False),
        (RunState.CANCELLED, "stopped · stage 1 of 2", False),
        (RunState.INTERRUPTED, "interrupted · stage 1 of 2", True),
        (RunState.QUEUED, "waiting · stage 1 of 2", True),
    ],
)
def test_what_stands_still_is_not_active(state: RunState, said: str, active: bool) -> None:
    found = chain(DONE, state, WAITS, WAITS, WAITS)
    assert pipeline_standing(found, PACE) == said
    assert is_active(found) is active


def test_a_finished_pipeline_says_how_long_it_took() -> None:
    found = chain(DONE, DONE, DONE, DONE, DONE)
    assert pipeline_standing(found, None) == "done in 60 s"
    assert not is_active(found)
