"""What a launch would do: checked, estimated, and written as a command, before anything is asked for."""

import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.run_words import duration
from app.studio import Studio
from app.wording import count_of
from grice_core.data.leakage import leaking
from grice_core.data.pairs import PairTable
from grice_core.errors import GriceError
from grice_core.evaluation.selection import PromptSelection, select_prompts
from grice_core.pipeline.keeping import check_base
from grice_core.recipes.plan import PlannedStage, plan_stages
from grice_core.store import runs
from grice_core.store.runs import RunFilter
from grice_core.store.states import RunKind, RunState
from worker.queue import PipelineRequest, WorkerStatus

FEW_PROMPTS = 100
"""With fewer a verdict often stays undecided."""
_ROOM_BYTES = 5 * 2**30
"""Free disk below which a launch is warned of."""


@dataclass(frozen=True)
class Check:
    """One thing looked at before a launch."""

    state: Literal["pass", "warn", "stop"]
    sentence: str


@dataclass(frozen=True, eq=False)
class LaunchPlan:
    """What the runs would work on."""

    stages: tuple[PlannedStage, ...]
    selection: PromptSelection
    num_unscored: int

    @property
    def num_steps(self) -> int:
        """Optimizer steps of all stages."""
        return sum(stage.num_steps for stage in self.stages)

    @property
    def num_answers(self) -> int:
        """Answers to be written and judged: by the baseline, and after every stage."""
        return (1 + len(self.stages)) * len(self.selection.prompts)


def plan(request: PipelineRequest, table: PairTable, prompts: Sequence[str]) -> LaunchPlan:
    """Cut what the stages learn from, and choose the evaluation prompts.

    Raises:
        DataError: no evaluation prompt is left.
    """
    selection = select_prompts(
        prompts,
        table.prompts,
        policy=request.leakage,
        num_prompts=request.recipe.evaluation.num_prompts,
        seed=request.seed,
    )
    leaks = leaking(table.prompts, prompts) & (request.leakage == "drop-train")
    return LaunchPlan(
        stages=plan_stages(request.recipe, table, request.seed, leaks),
        selection=selection,
        num_unscored=int((~table.scored).sum()),
    )


def preflight(
    studio: Studio, request: PipelineRequest, planned: LaunchPlan, workers: Sequence[WorkerStatus]
) -> Iterator[Check]:
    """Everything that can be known before a job runs; the job itself then proves its reference."""
    yield _scores(planned)
    yield from (_stage(stage, planned) for stage in planned.stages)
    yield from _prompts(planned.selection)
    yield from _detector(request)
    yield _base(request.base)
    free = shutil.disk_usage(studio.home).free
    room = f"{free / 2**30:,.1f} GiB free for checkpoints and adapters"
    yield Check("warn", f"Only {room}.") if free < _ROOM_BYTES else Check("pass", f"{room}.")
    if workers:
        yield Check("pass", f"{count_of(len(workers), 'worker')} listening.")
    else:
        yield Check("warn", "No worker is listening; the pipeline waits until one is started.")


def estimate(studio: Studio, base: str, planned: LaunchPlan) -> str:
    """How much there is to do and, if this base was run here before, how long it takes."""
    work = f"{planned.num_steps:,} optimizer steps, {planned.num_answers:,} answers"
    per_step = _seconds_per_step(studio, RunKind.TRAIN, base)
    if per_step is None:
        return f"{work}. How long that takes is known once this base has been trained here."
    seconds = per_step * planned.num_steps
    per_answer = _seconds_per_step(studio, RunKind.EVALUATE, base)
    if per_answer is not None:  # its steps are answers written and answers judged
        seconds += 2 * per_answer * planned.num_answers
    return f"{work}: about {duration(seconds)}, going by the last run of this base."


def command(request: PipelineRequest, names: tuple[str, str], recipe: str, out: str) -> str:
    """The same job without a browser; `names` are the files of pairs and of prompts, `recipe` one too."""
    data, prompts = names
    detector = request.detector if isinstance(request.detector, str) else request.detector.name
    parts = [
        "--data",
        data,
        "--eval",
        prompts,
        "--base",
        request.base,
        "--detector",
        detector or "DETECTOR",
    ]
    parts += ["--recipe", recipe]
    options = {"seed": request.seed, "precision": request.precision, "leakage": request.leakage}
    usual = {"seed": 0, "precision": "auto", "leakage": "drop-eval"}
    for name, value in options.items():
        if value != usual[name]:
            parts += [f"--{name}", str(value)]
    return shlex.join(["grice", "pipeline", *parts, "--out", out])


def _scores(planned: LaunchPlan) -> Check:
    if not planned.num_unscored:
        return Check("pass", "All pairs are scored.")
    return Check(
        "warn",
        f"{count_of(planned.num_unscored, 'pair')} without scores: the detector scores them first, "
        "and the numbers of the stages below grow.",
    )


def _stage(stage: PlannedStage, planned: LaunchPlan) -> Check:
    if stage.caution is None:
        return Check(
            "pass",
            f"{stage.config.name}: {count_of(len(stage.train_indices), 'pair')} to train on, "
            f"{len(stage.heldout_indices):,} held out, {count_of(stage.num_steps, 'step')}.",
        )
    return Check("warn" if stage.fills_a_step or planned.num_unscored else "stop", stage.caution)


def _prompts(selection: PromptSelection) -> Iterator[Check]:
    used = count_of(len(selection.prompts), "evaluation prompt")
    if len(selection.prompts) < FEW_PROMPTS:
        yield Check("warn", f"{used}: expect a verdict of “too few to tell”; 100 are usual.")
    else:
        yield Check("pass", f"{used}.")
    leaks = count_of(selection.num_leaking_rows, "evaluation row")
    if not selection.num_leaking_rows:
        yield Check("pass", "No evaluation prompt is trained on.")
    elif selection.policy == "keep":
        yield Check("warn", f"{leaks} with a prompt that is trained on: gains may be memorised.")
    else:
        where = "the evaluation" if selection.policy == "drop-eval" else "training"
        yield Check("pass", f"{leaks} with a prompt that is trained on, left out of {where}.")


def _detector(request: PipelineRequest) -> Iterator[Check]:
    if isinstance(request.detector, str):
        if request.detector:
            yield Check("warn", "How well this detector judges is not known here.")
        else:
            yield Check("stop", "Choose a detector.")
        return
    remarks = request.detector.card.get("remarks") or ()
    yield from (Check("warn", f"Detector: {remark}") for remark in remarks)
    if not remarks:
        yield Check("pass", f"Detector {request.detector.name}: nothing speaks against it.")


def _base(base: str) -> Check:
    if not base:
        return Check("stop", "Name a base model: a hub id, or a folder.")
    try:
        where = check_base(base)
    except GriceError as error:
        return Check("stop", f"{str(error)[:1].upper()}{str(error)[1:]}.")
    if Path(where).is_dir():
        return Check("pass", f"Base model in {where}.")
    return Check("pass", f"Base model {base} from the hub; a first use downloads it.")


def _seconds_per_step(studio: Studio, kind: RunKind, base: str) -> float | None:
    """Of the latest undisturbed run of this kind with this base."""
    wanted = RunFilter(states=(RunState.SUCCEEDED,), kinds=(kind,))
    for run in runs.page(studio.database, wanted, limit=20):
        timed = run.started_at is not None and run.finished_at is not None and run.num_steps
        if timed and run.attempt == 1 and run.spec.get("base") == base:
            return ((run.finished_at or 0) - (run.started_at or 0)) / (run.num_steps or 1)
    return None
