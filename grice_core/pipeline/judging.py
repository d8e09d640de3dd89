"""Baseline and every stage, asked the same prompts and judged by the same detector."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from grice_core.chat.choice import FormatChoice
from grice_core.data.pairs import IntArray
from grice_core.detector.judge import Detector
from grice_core.dpo.base import BaseModel
from grice_core.dpo.encode import encode_prompts
from grice_core.dpo.reference import config_hash, weights_hash
from grice_core.evaluation.answers import AnswerJournal, Answers
from grice_core.evaluation.endings import ending_warnings, endings
from grice_core.evaluation.generation import generate
from grice_core.evaluation.results import Evaluation
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.selection import PromptSelection
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.published import StageModels
from grice_core.progress import PartOf, Reporter
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


def evaluate_stages(models: StageModels, job: EvaluationJob, reporter: Reporter) -> Evaluation:
    """Evaluate the plain base, then what each stage published, one model in memory at a time.

    What an interrupted evaluation of the same models wrote and judged is taken over.

    Raises: ModelError, OutputError, InterruptedRunError.
    """
    with AnswerJournal(job.output.answers, _work_key(models.after(None), job)) as journal:
        evaluated = tuple(_evaluated(models, job, journal, reporter))
    ended = [warning for model in evaluated for warning in ending_warnings(model)]
    for line in [*endings(evaluated), *ended]:
        reporter.say(line)
    return Evaluation(
        models=evaluated,
        selection=job.selection,
        sampling=job.sampling,
        config=job.config,
        warnings=(*job.detector.warnings, *job.selection.warnings, *ended),
    )


def _evaluated(
    models: StageModels, job: EvaluationJob, journal: AnswerJournal, reporter: Reporter
) -> Iterator[EvaluatedModel]:
    for stage in (None, *job.stages):
        name = stage or BASELINE
        yield evaluate_model(name, models.after(stage), job, journal.of(name), reporter)


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
        cut=frozenset(answers.cut),
        tokens=_tokens(answers, len(prompts)),
    )


def _tokens(answers: Answers, num_answers: int) -> IntArray | None:
    """(N,) of each answer; None if an earlier version of ours wrote some of them, and did not count."""
    places = range(num_answers)
    if not all(place in answers.tokens for place in places):
        return None
    return np.array([answers.tokens[place] for place in places], dtype=np.int64)


def _work_key(base: BaseModel, job: EvaluationJob) -> str:
    """What the answers and their scores depend on."""
    form = job.format_choice.of(base.tokenizer)
    asked = encode_prompts(base.tokenizer, job.selection.asked, form)
    parts = (
        weights_hash(base.model),
        config_hash(base.model),
        *(json.dumps(form.described()), repr(sorted(form.ends)), repr(asked)),
        *(str(base.model.device), str(job.dtype), repr(job.sampling)),
        job.detector.record.fingerprint,
        *(digest for stage in job.stages for digest in _published(job.output, stage)),
        *job.selection.prompts,
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _published(output: OutputFolder, stage: str) -> Iterator[str]:
    """SHA-256 of the weights that a stage published."""
    for path in sorted(output.stage(stage).final_model.glob("*.safetensors")):
        with path.open("rb") as file:
            yield hashlib.file_digest(file, "sha256").hexdigest()
