"""What can be known before a pipeline is launched: what passes, what to think about, what stops it."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.state.launch_plan import LaunchPlan
from app.state.studio import Studio
from app.text.formatting import count_of, sentence, short_path, stage_title
from grice_core.detector.metrics import Metrics
from grice_core.detector.record import DetectorRecord
from grice_core.evaluation.planning import criterion_power, power_sentences
from grice_core.evaluation.selection import NoPromptsError
from grice_core.pipeline.model_files import model_files
from grice_core.recipes.plan import PlannedStage
from grice_core.store.states import Device
from grice_core.store.tables import Detector
from worker.client import PipelineRequest, WorkerStatus

_ROOM_BYTES = 5 * 2**30
"""Free disk below which a launch is warned of."""


@dataclass(frozen=True)
class Check:
    """One thing looked at before a launch."""

    state: Literal["pass", "warn", "stop"]
    sentence: str


def preflight(
    studio: Studio,
    request: PipelineRequest,
    planned: LaunchPlan | None,
    workers: Sequence[WorkerStatus],
    peak_bytes: int | None = None,
) -> Iterator[Check]:
    """Everything that can be known before a job runs; the job itself then proves its reference.

    Args:
        planned: None if it can't be planned, which is said elsewhere.
        peak_bytes: most memory at once, as it was measured; None: not known.
    """
    if planned is not None:
        yield _scores(planned)
        yield from (_stage(stage, planned) for stage in planned.stages)
        yield from _besides(request, planned)
        yield _power(request, planned)
        yield from _leaks(planned)
    yield from model_checks(request.base, request.detector, request.second_judge)
    if planned is not None and planned.stages:
        yield _reference(request, planned)
    yield _disk(studio)
    yield _memory(request, peak_bytes, workers)
    yield _device(request, workers)


def _scores(planned: LaunchPlan) -> Check:
    if not planned.num_unscored:
        return Check("pass", "All pairs are scored.")
    return Check(
        "warn",
        f"{count_of(planned.num_unscored, 'pair')} without scores: the detector scores them first, "
        "and the numbers of the stages below grow.",
    )


def _stage(stage: PlannedStage, planned: LaunchPlan) -> Check:
    if stage.awaits_pairs:
        answers = count_of(stage.config.own_samples.k, "answer")
        return Check(
            "pass",
            f"{stage_title(stage.config.name)}: pairs are sampled from the model when it begins, {answers} "
            "to each training prompt.",
        )
    if stage.caution is None:
        return Check(
            "pass",
            f"{stage_title(stage.config.name)}: {count_of(len(stage.train_indices), 'pair')} to train on, "
            f"{len(stage.heldout_indices):,} held out, {count_of(stage.num_steps, 'step')}.",
        )
    if planned.num_unscored:
        return Check(
            "warn",
            f"{stage_title(stage.config.name)}: {count_of(len(stage.train_indices), 'pair')} to train on so "
            "far; how many there are is known once all pairs are scored.",
        )
    caution = stage.caution.replace(stage.config.name, stage_title(stage.config.name), 1)
    return Check("warn" if stage.fills_a_step else "stop", caution)


def _besides(request: PipelineRequest, planned: LaunchPlan) -> Iterator[Check]:
    """What the pairs teach besides, and whether their own chosen responses meet the criterion."""
    for stage in planned.effects:
        title = stage_title(stage.stage.name)
        for warning in stage.warnings():
            yield Check("warn", f"{sentence(warning.replace(stage.stage.name, title, 1))}")
    if planned.reach is not None:
        criterion = request.recipe.evaluation
        state: Literal["pass", "warn"] = "pass" if planned.reach.is_met(criterion) else "warn"
        yield Check(state, sentence(planned.reach.sentence(criterion)))


def no_prompts(error: NoPromptsError, name: str) -> str:
    """Why there is nothing to evaluate on, and what to choose on the page."""
    other = "choose another data set under Evaluation prompts"
    if not error.num_rows:
        return f"{name} has no usable prompt: {other}."
    if error.held_out:
        return f"With fewer than two distinct prompts none can be held out: bring more pairs, or {other}."
    return (
        f"Each of the {count_of(error.num_rows, 'row')} of {name} has a prompt that is also trained on: "
        f"{other}, or, under More options, leave those that are asked out of training."
    )


def _power(request: PipelineRequest, planned: LaunchPlan) -> Check:
    """What so many evaluation prompts can tell."""
    selection, criteria = planned.selection, request.recipe.evaluation
    found = criterion_power(criteria, len(selection.prompts), planned.samples_per_prompt)
    told = power_sentences(criteria, found, selection.num_available)
    return Check("pass" if found.is_enough else "warn", " ".join(told))


def _leaks(planned: LaunchPlan) -> Iterator[Check]:
    """What became of prompts that are trained on, too."""
    selection = planned.selection
    leaks = count_of(selection.num_leaking_rows, "evaluation row")
    if not selection.num_leaking_rows:
        yield Check("pass", "No evaluation prompt is trained on.")
    elif selection.policy == "keep":
        yield Check("warn", f"{leaks} with a prompt that is trained on: gains may be memorised.")
    elif selection.policy == "hold-out":
        pairs = count_of(planned.num_held_out, "pair")
        yield Check("pass", f"{pairs} with an evaluation prompt, held out of training.")
    else:
        where = "the evaluation" if selection.policy == "drop-eval" else "training"
        yield Check("pass", f"{leaks} with a prompt that is trained on, left out of {where}.")


def model_checks(
    base: str, detector: Detector | str, second_judge: Detector | str | None = None
) -> Iterator[Check]:
    """What is known of the judges and the base model."""
    yield from _detector(detector)
    if second_judge is not None:
        yield from _second_judge(second_judge, detector)
    yield _base(base)


def _second_judge(second: Detector | str, detector: Detector | str) -> Iterator[Check]:
    if second == detector or _fingerprint(second) == _fingerprint(detector) != "":
        yield Check("stop", "The second judge is the detector itself: choose another one.")
    for check in _detector(second):
        yield Check(check.state, f"Second judge: {check.sentence}")


def _fingerprint(detector: Detector | str) -> str:
    """Empty where it isn't known."""
    if isinstance(detector, str):
        return ""
    return DetectorRecord.model_validate(detector.card).fingerprint


def _detector(detector: Detector | str) -> Iterator[Check]:
    if isinstance(detector, str):
        if detector:
            yield _files(detector, "Detector")
            yield Check("warn", "How well this detector judges is not known here.")
        else:
            yield Check("stop", "Choose a detector.")
        return
    yield _strength(detector)
    for remark in detector.card.get("remarks") or ():
        yield Check("warn", f"Detector: {remark}")


def _strength(detector: Detector) -> Check:
    """How well the judge judges, as far as that was ever measured."""
    measured = detector.card.get("metrics")
    if measured is None:
        return Check("warn", f"How well detector {detector.name} judges was never measured.")
    metrics = Metrics.model_validate(measured)
    if metrics.weak_maxims:
        weak = ", ".join(metrics.weak_maxims)
        return Check(
            "warn", f"Detector {detector.name} is a weak judge of {weak}: don't trust it there."
        )
    if metrics.unmeasured_maxims:
        reasons = "; ".join(f"{maxim}: {why}" for maxim, why in metrics.unmeasured_maxims.items())
        return Check(
            "warn", f"How well detector {detector.name} judges was not measured of {reasons}."
        )
    if metrics.harshness:
        return Check("warn", f"Detector {detector.name} is too harsh: {metrics.harshness}.")
    figure = f"{metrics.macro_f1_words} on {metrics.num_texts:,} labelled texts"
    return Check("pass", f"Detector {detector.name}: {figure}.")


def _base(base: str) -> Check:
    if not base:
        return Check("stop", "Name a base model: a hub id, or a folder.")
    return _files(base, "Base model")


def _files(name: str, what: str) -> Check:
    """Whether a model is there; what was not tried does not pass."""
    found = model_files(name, what)
    states: dict[str, Literal["pass", "warn", "stop"]]
    states = {"found": "pass", "not tried": "warn", "missing": "stop"}
    words = " ".join(map(short_path, found.sentence.split(" ")))
    return Check(states[found.state], sentence(words))


def _reference(request: PipelineRequest, planned: LaunchPlan) -> Check:
    """The reference of each stage."""
    merged = Path(request.base).name
    parts = []
    for stage in planned.stages:
        title = stage_title(stage.config.name)
        parts.append(f"Reference for {title}: {merged}")
        merged = f"{merged} + {title}"
    return Check("pass", f"{'; '.join(parts)}. Each run proves it before its first step.")


def _disk(studio: Studio) -> Check:
    free = shutil.disk_usage(studio.home).free
    room = f"{free / 2**30:,.1f} GiB free for checkpoints and adapters"
    return Check("warn", f"Only {room}.") if free < _ROOM_BYTES else Check("pass", f"{room}.")


def _memory(
    request: PipelineRequest, peak_bytes: int | None, workers: Sequence[WorkerStatus]
) -> Check:
    """Whether the workers that may take it have room for it."""
    if peak_bytes is None:
        return Check("warn", "How much memory it takes is not known yet: measure it.")
    needed = f"It takes about {_gib(peak_bytes)} of memory"
    chosen = _chosen_device(request, workers)
    free = [worker.hardware.free_bytes for worker in workers if worker.device is chosen]
    known = [each for each in free if each is not None]
    if not known:
        return Check("warn", f"{needed}; how much its worker has is not known.")
    least = min(known)
    if least < peak_bytes:
        return Check("warn", f"{needed}, and where it may run only {_gib(least)} were free.")
    return Check("pass", f"{needed}; {_gib(least)} were free where it runs.")


def _gib(num_bytes: int) -> str:
    return f"{num_bytes / 2**30:,.1f} GiB"


def _chosen_device(request: PipelineRequest, workers: Sequence[WorkerStatus]) -> Device:
    if request.device != "auto":
        return Device(request.device)
    on_gpu = any(worker.device is Device.GPU for worker in workers)
    return Device.GPU if on_gpu else Device.CPU


def _device(request: PipelineRequest, workers: Sequence[WorkerStatus]) -> Check:
    """Whether a worker is there for it, and on what device."""
    chosen = _chosen_device(request, workers)
    num_listening = sum(worker.device is chosen for worker in workers)
    if not num_listening:
        return Check("warn", f"No {chosen} worker is listening; it waits until one is started.")
    listening = f"{count_of(num_listening, f'{chosen} worker')} listening"
    if chosen is Device.CPU and not any(worker.device is Device.GPU for worker in workers):
        return Check("pass", f"{listening}; no GPU is there, so it runs on the CPU.")
    return Check("pass", f"{listening}.")
