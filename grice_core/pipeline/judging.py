"""Baseline and every stage, asked the same prompts and judged by the same detector."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from grice_core.detector.score import Detector
from grice_core.dpo.policy import BaseModel, merge_saved
from grice_core.evaluation.generation import generate
from grice_core.evaluation.results import Evaluation
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.selection import PromptSelection
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.pipeline.config import Reporter
from grice_core.pipeline.output import OutputFolder
from grice_core.recipes.config import EvaluationConfig

BASELINE = "baseline"


@dataclass(frozen=True, eq=False)
class EvaluationJob:
    """What baseline and stages are asked, and who judges."""

    stages: tuple[str, ...]
    """Names of the trained stages, in order."""
    selection: PromptSelection
    config: EvaluationConfig
    detector: Detector
    output: OutputFolder
    sampling: Sampling
    dtype: torch.dtype


def evaluate_stages(base: BaseModel, job: EvaluationJob, reporter: Reporter) -> Evaluation:
    """Evaluate the plain base, then merge one stage after the other into it, in place.

    So one model is in memory, never three.

    Raises: ModelError, InterruptedRunError.
    """
    return Evaluation(
        models=tuple(_evaluated(base, job, reporter)),
        selection=job.selection,
        sampling=job.sampling,
        config=job.config,
        warnings=_warnings(job.detector),
    )


def _evaluated(base: BaseModel, job: EvaluationJob, reporter: Reporter) -> Iterator[EvaluatedModel]:
    yield evaluate_model(BASELINE, base, job, reporter)
    for stage in job.stages:
        base = merge_saved(base, job.output.stage(stage).own_adapter)
        yield evaluate_model(stage, base, job, reporter)


def evaluate_model(
    name: str, base: BaseModel, job: EvaluationJob, reporter: Reporter
) -> EvaluatedModel:
    """Sample one model's responses and judge them.

    Raises: ModelError, InterruptedRunError.
    """

    def progress(task: str, done: int, total: int) -> None:
        reporter.interruptible(f"{name}: {task}", done, total)

    distinct, k = job.selection.prompts, job.sampling.samples_per_prompt
    prompts = [prompt for prompt in distinct for _ in range(k)]
    bf16 = job.dtype == torch.bfloat16
    with torch.autocast(base.model.device.type, dtype=torch.bfloat16, enabled=bf16):
        responses = generate(base.model, base.tokenizer, distinct, job.sampling, progress=progress)
    return EvaluatedModel(
        name=name,
        prompts=prompts,
        responses=responses,
        scores=job.detector.score(prompts, responses, progress=progress),
        thresholds=job.detector.thresholds,
    )


def _warnings(detector: Detector) -> tuple[str, ...]:
    """What a reader has to know of the detector before believing the rates."""
    weak: Sequence[str] = detector.weak_maxims
    too_weak = [f"The detector is too weak to judge {maxim}." for maxim in weak]
    return (*detector.record.remarks, *too_weak)
