"""How long a pipeline takes and how much memory: from a measurement, or from what ran here before."""

from contextlib import suppress
from dataclasses import dataclass

from app.state.launch_plan import LaunchPlan
from app.state.run_queue import run_queue
from app.state.session import studio as this_studio
from app.state.stored_spec import reading, spec_of
from app.state.studio import Studio
from grice_core.errors import DataError
from grice_core.store import runs
from grice_core.store.runs import RunFilter
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import JsonObject, Run
from worker.client import PipelineRequest

_LOOKED_AT = 20
"""Runs of a kind that are looked through for one with the same base."""
_AROUND_S = 1.0
"""What a run takes besides its work: being taken up, and its results being kept."""


@dataclass(frozen=True)
class Pace:
    """How fast an installation is with one base model."""

    per_pair_s: float
    """Seconds per pair of an optimizer step."""
    per_answer_s: float
    """Seconds per answer, written and judged."""
    per_run_s: float
    """Seconds of a run that don't depend on how much it has to do, such as loading the models."""
    peak_bytes: int | None
    """Most memory at once; None: not known."""
    source: str
    """What it goes by, in words."""

    @property
    def run_s(self) -> float:
        """Seconds of a run besides its work, from being taken up to its results being kept."""
        return self.per_run_s + _AROUND_S

    def seconds(self, planned: LaunchPlan) -> float:
        """How long a whole pipeline takes."""
        work = self.per_pair_s * planned.num_pairs + self.per_answer_s * planned.num_answers
        return work + self.run_s * planned.num_runs


def pace_of(request: PipelineRequest) -> Pace | None:
    """What is known of how long it takes: measured for just this, or from what ran here before."""
    measurement = run_queue().measurement(request)
    if measurement is not None and measurement.state is RunState.SUCCEEDED:
        return of_measurement(measurement)
    return of_earlier_runs(this_studio(), request.base)


def of_measurement(run: Run, source: str = "measured for these settings") -> Pace:
    """What a finished measurement found."""
    found: JsonObject = run.result or {}
    sizes = _pairs_per_step(run)
    num_pairs = sum(stage["num_steps"] * sizes[stage["name"]] for stage in found["stages"])
    per_answer_s = found["evaluation_s"] / max(found["num_answers"], 1)
    training_s = sum(
        stage["seconds"] - per_answer_s * stage.get("num_answers", 0) for stage in found["stages"]
    )
    return Pace(
        per_pair_s=training_s / max(num_pairs, 1),
        per_answer_s=per_answer_s,
        per_run_s=found["loading_s"],
        peak_bytes=found["peak_bytes"],
        source=source,
    )


def of_earlier_runs(studio: Studio, base: str) -> Pace | None:
    """What the last undisturbed pipeline with this base took, else the last measurement of it."""
    training = _last(studio, RunKind.TRAIN, base)
    evaluation = _last(studio, RunKind.EVALUATE, base)
    with suppress(DataError):  # one of them is damaged
        if training is not None and evaluation is not None:
            return _of_runs(training, evaluation)
    measurement = _last(studio, RunKind.ESTIMATE, base)
    if measurement is None:
        return None
    return of_measurement(measurement, "from the last measurement of this base")


def _of_runs(training: Run, evaluation: Run) -> Pace:
    with reading(training):
        return _of_readable_runs(training, evaluation)


def _of_readable_runs(training: Run, evaluation: Run) -> Pace:
    result: JsonObject = training.result or {}
    # A stage may have ended before its last planned step.
    num_steps = result.get("num_steps") or training.num_steps or 1
    num_pairs = num_steps * _pairs_per_step(training)[training.stage or ""]
    work_s = result.get("seconds", _seconds(training))
    per_run_s = max(0.0, _seconds(training) - work_s)
    num_answers = (
        evaluation.num_steps or 2
    ) / 2  # its steps are answers written and answers judged
    return Pace(
        per_pair_s=work_s / num_pairs,
        per_answer_s=max(0.0, _seconds(evaluation) - per_run_s) / num_answers,
        per_run_s=per_run_s,
        peak_bytes=result.get("peak_bytes"),
        source="from the last pipeline with this base",
    )


def _last(studio: Studio, kind: RunKind, base: str) -> Run | None:
    wanted = RunFilter(states=(RunState.SUCCEEDED,), kinds=(kind,))
    for run in runs.page(studio.database, wanted, limit=_LOOKED_AT):
        undisturbed = run.attempt == 1 and run.num_steps and not _takes_over(run)
        if undisturbed and run.spec.get("base") == base:
            return run
    return None


def _takes_over(run: Run) -> bool:
    """Whether earlier runs did some of its work, or it did more than train, so that its time says nothing."""
    result: JsonObject = run.result or {}
    return any(result.get(name) for name in ("taken_over", "num_taken_over", "round"))


def _seconds(run: Run) -> float:
    return (run.finished_at or 0.0) - (run.started_at or 0.0)


def _pairs_per_step(run: Run) -> dict[str, int]:
    """Of each stage."""
    return {stage.name: stage.pairs_per_step for stage in spec_of(run).recipe.stages}
