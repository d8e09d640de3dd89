"""Baseline and every stage, asked the same prompts and judged by the same judges."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from grice_core.data.pairs import FloatArray, IntArray
from grice_core.detector.judge import Detector
from grice_core.detector.seen import shared_training
from grice_core.dpo.base import BaseModel
from grice_core.errors import DetectorError
from grice_core.evaluation.answers import AnswerJournal, Answers, Scores
from grice_core.evaluation.decoding import DecodingChoice
from grice_core.evaluation.endings import ending_warnings, endings
from grice_core.evaluation.generation import generate
from grice_core.evaluation.results import Evaluation
from grice_core.evaluation.second_judge import SECOND_JUDGE, SecondOpinion
from grice_core.evaluation.stored import StoredEvaluation
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.kept import Kept, NothingKept
from grice_core.kernels.memory import return_freed_memory
from grice_core.pipeline.evaluation_job import (
    EvaluationJob,
    asked_of,
    digests_of,
    published_of,
    work_key,
)
from grice_core.pipeline.kept_answers import KeptAnswers, KeptScores
from grice_core.pipeline.published import StageModels
from grice_core.pipeline.shared_answers import ShareOut, shared_answers
from grice_core.progress import PartOf, Progress, Reporter, silent

BASELINE = "baseline"
_WINDOW = 64
"""Responses that are judged between two entries of the journal."""


def evaluate_stages(models: StageModels, job: EvaluationJob, reporter: Reporter) -> Evaluation:
    """Evaluate the plain base, then what each stage published, one model in memory at a time.

    What an interrupted evaluation of the same models wrote and judged is taken over.

    Raises: ModelError, OutputError, InterruptedRunError.
    """
    base = models.after(None)
    weights = digests_of(base)
    with AnswerJournal(job.output.answers, work_key(base, weights, job)) as journal:
        with shared_answers(models, job, job.stages, reporter) as share_out:
            evaluated = tuple(_evaluated(models, weights, job, journal, reporter, share_out))
        second = _second_opinion(evaluated, job, journal, reporter)
    ended = [warning for model in evaluated for warning in ending_warnings(model)]
    for line in [*endings(evaluated), *ended]:
        reporter.say(line)
    return Evaluation(
        models=evaluated,
        selection=job.selection,
        sampling=job.sampling,
        config=job.config,
        warnings=(*job.detector.warnings, *job.selection.warnings, *ended),
        second=second,
    )


def _evaluated(
    models: StageModels,
    base_weights: Sequence[str],
    job: EvaluationJob,
    journal: AnswerJournal,
    reporter: Reporter,
    share_out: ShareOut,
) -> Iterator[EvaluatedModel]:
    decoding = DecodingChoice()
    for stage in (None, *job.stages):
        yield answers_after(
            stage, models, base_weights, job, journal, reporter, share_out, decoding
        )


def answers_after(
    stage: str | None,
    models: StageModels,
    base_weights: Sequence[str],
    job: EvaluationJob,
    journal: AnswerJournal,
    reporter: Reporter,
    share_out: ShareOut,
    decoding: DecodingChoice | None = None,
) -> EvaluatedModel:
    """The judged answers of the model after a stage; None: the plain base, whose digests are `base_weights`.

    Answers that the journal holds, or that were kept of the same weights, are taken over.

    Raises: ModelError, OutputError, InterruptedRunError.
    """
    name = stage or BASELINE
    weights = [*base_weights, *published_of(job.output, stage)]
    base, answers = models.after(stage), journal.of(name)
    kept = KeptAnswers.of(job.kept, weights, asked_of(base, job))
    taken = kept.take_over(answers)
    num_answers = len(job.selection.prompts) * job.sampling.samples_per_prompt
    if taken:
        reporter.say(
            f"{name}: {taken:,} of {num_answers:,} answers are those that the same weights gave before"
        )
    is_new = len(answers.responses) < num_answers
    share_out(stage, base, answers, _progress_of(name, reporter))
    model = evaluate_model(name, base, job, answers, reporter, decoding)
    if is_new:
        kept.keep(answers)
    return replace(model, num_taken_over=taken)


def evaluate_model(
    name: str,
    base: BaseModel,
    job: EvaluationJob,
    answers: Answers,
    reporter: Reporter,
    decoding: DecodingChoice | None = None,
) -> EvaluatedModel:
    """Sample one model's responses and judge them, as far as there are no answers yet.

    Raises: ModelError, OutputError, InterruptedRunError.
    """

    progress = _progress_of(name, reporter)
    distinct, k = job.selection.prompts, job.sampling.samples_per_prompt
    prompts = [prompt for prompt in distinct for _ in range(k)]
    asked = asked_of(base, job)
    bf16 = job.dtype == torch.bfloat16
    with torch.autocast(base.model.device.type, dtype=torch.bfloat16, enabled=bf16):
        responses = generate(
            base.model,
            base.tokenizer,
            job.selection.asked,
            job.sampling,
            form=asked.form,
            batch_size=asked.batch_size,
            decoding=decoding,
            answers=answers,
            progress=progress,
        )
    return_freed_memory()
    known = _Known(answers.scores, answers.keep_scores, job.kept)
    return EvaluatedModel(
        name=name,
        prompts=prompts,
        responses=responses,
        scores=_scored(job.detector, (prompts, responses), known, progress),
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


def judged_again(
    model: EvaluatedModel,
    judge: Detector,
    answers: Answers,
    progress: Progress,
    kept: Kept | None = None,
) -> EvaluatedModel:
    """The same answers by another judge, as far as there are no words of its yet.

    Raises: DetectorError, OutputError, InterruptedRunError.
    """
    texts = model.prompts, model.responses
    known = _Known(answers.second_scores, answers.keep_second_scores, kept or NothingKept())
    scores = _scored(judge, texts, known, progress)
    return replace(model, scores=scores, thresholds=judge.thresholds)


def with_second_judge(
    stored: StoredEvaluation, judge: Detector, progress: Progress = silent
) -> StoredEvaluation:
    """An evaluation of before, its answers judged by another judge as well; nothing is written.

    Raises: DetectorError, if the judge can't judge, or is the one that judged already.
    """
    if judge.record.fingerprint == stored.judge_fingerprint:
        raise DetectorError(f"{stored.name} was judged by this detector already: name another one")
    models = tuple(judged_again(model, judge, Answers(), progress) for model in stored.models)
    return replace(stored, second=_opinion(judge, models))


def _opinion(
    judge: Detector, models: Sequence[EvaluatedModel], detector: Detector | None = None
) -> SecondOpinion:
    """What a second judge said of some models, with what a reader should know of it.

    Args:
        models: by the second judge.
        detector: the first judge, where it is at hand.
    """
    shared = shared_training(judge.seen, None if detector is None else detector.seen)
    record = judge.record
    warnings = (*judge.warnings, *([shared] if shared else []))
    return SecondOpinion(record.origin, record.fingerprint, tuple(models), warnings)


def _second_opinion(
    evaluated: Sequence[EvaluatedModel],
    job: EvaluationJob,
    journal: AnswerJournal,
    reporter: Reporter,
) -> SecondOpinion | None:
    judge = job.second_judge
    if judge is None:
        return None
    again = [
        judged_again(
            model,
            judge,
            journal.of(model.name),
            _progress_of(model.name, reporter, judge=SECOND_JUDGE),
            job.kept,
        )
        for model in evaluated
    ]
    return _opinion(judge, again, job.detector)


@dataclass(frozen=True)
class _Known:
    """A judge's scores so far."""

    scores: Mapping[int, Scores]
    """By place."""
    add: Callable[[Mapping[int, Scores]], None]
    kept: Kept


def _scored(
    judge: Detector,
    texts: tuple[Sequence[str], Sequence[str]],
    known: _Known,
    progress: Progress,
) -> FloatArray:
    """(N, 4) scores of N prompts and responses, added window by window to those that are known."""
    (prompts, responses), scores = texts, known.scores
    kept = KeptScores.of(known.kept, judge, prompts, responses)
    if not scores:
        known.add(kept.find())
    is_new = len(scores) < len(prompts)
    for start in range(0, len(prompts), _WINDOW):
        window = range(start, min(start + _WINDOW, len(prompts)))
        if not all(place in scores for place in window):
            part = PartOf(progress, start, len(window), len(prompts))
            asked = ([of[place] for place in window] for of in (prompts, responses))
            found = judge.score(*asked, progress=part).tolist()
            known.add(dict(zip(window, map(tuple, found), strict=True)))
    if is_new:
        kept.keep(scores)
    return np.array([scores[place] for place in range(len(prompts))])


def _progress_of(model: str, reporter: Reporter, judge: str = "") -> Progress:
    """Of one model's tasks; of another judge than the first one, its own."""
    by = f" by the {judge}" if judge else ""

    def progress(task: str, done: int, total: int) -> None:
        reporter.interruptible(f"{model}: {task}{by}", done, total)

    return progress
