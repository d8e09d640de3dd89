"""Baseline and every stage, asked the same prompts and judged by the same detector."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from grice_core.chat.choice import FormatChoice
from grice_core.detector.score import Detector
from grice_core.dpo.encode import encode_prompts
from grice_core.dpo.policy import BaseModel, merge_saved
from grice_core.dpo.reference import weights_hash
from grice_core.evaluation.answers import AnswerJournal, Answers
from grice_core.evaluation.generation import generate
from grice_core.evaluation.results import Evaluation
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.selection import PromptSelection
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.pipeline.config import Reporter
from grice_core.pipeline.output import OutputFolder
from grice_core.progress import PartOf
from grice_core.recipes.config import EvaluationConfig

BASELINE = "baseline"
_WINDOW = 64
"""Responses that are judged between two entries of the journal."""


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
    format_choice: FormatChoice = field(default_factory=FormatChoice)


def evaluate_stages(base: BaseModel, job: EvaluationJob, reporter: Reporter) -> Evaluation:
    """Evaluate the plain base, then merge one stage after the other into it, in place.

    So one model is in memory, never three. What an interrupted evaluation of the same models wrote
    and judged is taken over.

    Raises: ModelError, OutputError, InterruptedRunError.
    """
    with AnswerJournal(job.output.answers, _work_key(base, job)) as journal:
        models = tuple(_evaluated(base, job, journal, reporter))
    return Evaluation(
        models=models,
        selection=job.selection,
        sampling=job.sampling,
        config=job.config,
        warnings=_warnings(job.detector),
    )


def _evaluated(
    base: BaseModel, job: EvaluationJob, journal: AnswerJournal, reporter: Reporter
) -> Iterator[EvaluatedModel]:
    yield evaluate_model(BASELINE, base, job, journal.of(BASELINE), reporter)
    for stage in job.stages:
        base = merge_saved(base, job.output.stage(stage).own_adapter)
        yield evaluate_model(stage, base, job, journal.of(stage), reporter)


def evaluate_model(
    name: str, base: BaseModel, job: EvaluationJob, answers: Answers, reporter: Reporter
) -> EvaluatedModel:
    """Sample one model's responses and judge them, as far as there are no answers yet.

    Raises: ModelError, OutputError, InterruptedRunError.
    """

    def progress(task: str, done: int, total: int) -> None:
        reporter.interruptible(f"{name}: {task}", done, total)

    distinct, k = job.selection.prompts, job.sampling.samples_per_prompt
    prompts = [prompt for prompt in distinct for _ in range(k)]
    bf16 = job.dtype == torch.bfloat16
    with torch.autocast(base.model.device.type, dtype=torch.bfloat16, enabled=bf16):
        responses = generate(
            base.model,
            base.tokenizer,
            job.selection.asked,
            job.sampling,
            form=job.format_choice.of(base.tokenizer),
            answers=answers,
            progress=progress,
        )
    for start in range(0, len(prompts), _WINDOW):
        window = range(start, min(start + _WINDOW, len(prompts)))
        if not all(place in answers.scores for place in window):
            part = PartOf(progress, start, len(window), len(prompts))
            texts = ([of[place] for place in window] for of in (prompts, responses))
            scores = job.detector.score(*texts, progress=part).tolist()
            answers.keep_scores(dict(zip(window, map(tuple, scores), strict=True)))
    return EvaluatedModel(
        name=name,
        prompts=prompts,
        responses=responses,
        scores=np.array([answers.scores[place] for place in range(len(prompts))]),
        thresholds=job.detector.thresholds,
    )


def _work_key(base: BaseModel, job: EvaluationJob) -> str:
    """What the answers and their scores depend on."""
    adapters = [
        hashlib.sha256(path.read_bytes()).hexdigest()
        for stage in job.stages
        for path in sorted(job.output.stage(stage).own_adapter.glob("adapter_*"))
    ]
    form = job.format_choice.of(base.tokenizer)
    asked = encode_prompts(base.tokenizer, job.selection.asked, form)
    parts = (
        weights_hash(base.model),
        *(json.dumps(form.described()), repr(sorted(form.ends)), repr(asked)),
        *(str(base.model.device), str(job.dtype), repr(job.sampling)),
        job.detector.record.fingerprint,
        *adapters,
        *job.selection.prompts,
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _warnings(detector: Detector) -> tuple[str, ...]:
    """What a reader has to know of the detector before believing the rates."""
    weak: Sequence[str] = detector.weak_maxims
    too_weak = [f"The detector is too weak to judge {maxim}." for maxim in weak]
    return (*detector.record.remarks, *too_weak)
