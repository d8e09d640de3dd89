"""A model's own answers to prompts that it is not evaluated on: written, judged, and kept as they come."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from grice_core.chat.choice import FormatChoice
from grice_core.data.load import Prompts
from grice_core.data.pairs import BoolArray, PairTable
from grice_core.detector.judge import Detector
from grice_core.durations import rough_duration
from grice_core.evaluation.answers import AnswerJournal
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.selection import NoPromptsError, PromptSelection, select_prompts
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.kept import Kept
from grice_core.pipeline.answer_shares import deal, keep_entries, places_of, write_share
from grice_core.pipeline.evaluation_job import EvaluationJob, asked_of, digests_of, work_key
from grice_core.pipeline.helped_answers import HelpedAnswers, Helpers
from grice_core.pipeline.judging import BASELINE, answers_after, judged_again
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.published import StageModels
from grice_core.pipeline.shared_answers import ShareOut, shared_answers
from grice_core.progress import Reporter
from grice_core.recipes.config import EvaluationConfig
from grice_core.recipes.samples import SampleSettings
from grice_core.rounds.own_pairs import Sampled

if TYPE_CHECKING:
    from grice_core.pipeline.other_ranks import OtherRanks

_NUM_TIMED = 32
"""Answers after which it is said how long the others will take."""


def sampling_of(settings: SampleSettings, evaluation: EvaluationConfig, seed: int) -> Sampling:
    """How pairs are sampled; as long as in the evaluation if nothing else is said."""
    return Sampling(
        settings.temperature,
        settings.top_p,
        settings.max_new_tokens or evaluation.max_new_tokens,
        seed,
        settings.k,
    )


def prompts_of(
    table: PairTable, may_be_asked: BoolArray, num_prompts: int | None, seed: int
) -> PromptSelection | None:
    """Distinct prompts of these pairs, in an order that the seed decides; None if there are none."""
    prompts = Prompts.of_table(table.take(may_be_asked))
    limit = num_prompts or max(len(prompts.prompts), 1)
    try:
        return select_prompts(prompts, (), policy="keep", num_prompts=limit, seed=seed)
    except NoPromptsError:
        return None


@dataclass(frozen=True, eq=False)
class AskedByBoth:
    """Answers as both judges see them."""

    sampled: Sampled
    second: EvaluatedModel | None
    """The same answers by the second judge; None where there is none."""


@dataclass(frozen=True, eq=False)
class AskedHow:
    """How models are asked, besides what is sampled."""

    dtype: torch.dtype
    """Of matrix products."""
    format_choice: FormatChoice
    batch_size: int | None
    """Answers that are written at once; None: as many as fit."""
    kept: Kept
    """Answers and scores of earlier runs."""
    reporter: Reporter
    num_processes: int = 1
    launched: "OtherRanks | None" = None
    """Those that a launcher has started; None: they are started where answers are written."""
    helpers: Helpers | None = None
    """Other workers, who may write some of the answers that are sampled."""


@dataclass(frozen=True, eq=False)
class Sampler:
    """Asks the models of one pipeline, and its judges."""

    models: StageModels
    output: OutputFolder
    detector: Detector
    second_judge: Detector | None
    how: AskedHow

    @property
    def reporter(self) -> Reporter:
        return self.how.reporter

    @cached_property
    def base_digests(self) -> tuple[str, ...]:
        """Of the plain base."""
        return digests_of(self.models.after(None))

    def sample(
        self,
        stage: str | None,
        selection: PromptSelection,
        sampling: Sampling,
        journal: Path,
    ) -> Sampled:
        """Answers of the model after a stage (None: the plain base); the journal keeps what is done.

        Raises: ModelError, OutputError, InterruptedRunError.
        """
        job = self._job(selection, sampling, () if stage is None else (stage,))
        key, helpers = self._key(stage, job), self.how.helpers
        share_out = None
        if helpers is not None and job.num_processes == 1:
            share_out = HelpedAnswers(job, helpers, key, self.reporter)
        with AnswerJournal(journal, key) as answers:
            return Sampled(selection, sampling, self._answers(stage, job, answers, share_out))

    def write_share(
        self,
        stage: str | None,
        selection: PromptSelection,
        sampling: Sampling,
        dealt: tuple[int, int],
        journal: Path,
    ) -> int:
        """Write one of so many shares of what `sample` would, into the journal; returns how many answers it has.

        Raises: ModelError, OutputError, InterruptedRunError.
        """
        job = self._job(selection, sampling, () if stage is None else (stage,))
        number, count = dealt
        share = deal(range(len(selection.prompts)), count)[number]
        places = places_of(share, sampling.samples_per_prompt)
        key, base = self._key(stage, job), self.models.after(stage)
        with AnswerJournal(journal, key) as written:
            answers = written.of(stage or BASELINE)
            known = {
                within: answers.responses[place]
                for within, place in enumerate(places)
                if place in answers.responses
            }
            write_share(
                base,
                job,
                share,
                lambda entries: keep_entries(answers, places, list(entries)),
                batch_size=asked_of(base, job).batch_size,
                known=known,
                progress=self.reporter.interruptible,
            )
        return len(places)

    def ask(self, stage: str | None, selection: PromptSelection, sampling: Sampling) -> AskedByBoth:
        """The same, kept beside those of other stages, and judged by the second judge if there is one.

        Raises: ModelError, OutputError, InterruptedRunError.
        """
        job = self._job(selection, sampling)
        with AnswerJournal(self.output.heldout_answers, self._key(stage, job)) as journal:
            found = self._answers(stage, job, journal)
            again = None
            if self.second_judge is not None:
                progress, answers = self.reporter.interruptible, journal.of(found.name)
                again = judged_again(found, self.second_judge, answers, progress, self.how.kept)
        return AskedByBoth(Sampled(selection, sampling, found), again)

    def _answers(
        self,
        stage: str | None,
        job: EvaluationJob,
        journal: AnswerJournal,
        helped: ShareOut | None = None,
    ) -> EvaluatedModel:
        reporter = replace(self.reporter, progress=_Expectation(self.reporter))
        stages = () if stage is None else (stage,)
        with shared_answers(self.models, job, stages, reporter) as among_ranks:
            digests, share_out = self.base_digests, helped or among_ranks
            return answers_after(stage, self.models, digests, job, journal, reporter, share_out)

    def _key(self, stage: str | None, job: EvaluationJob) -> str:
        digests = self.base_digests  # first, while the plain base may still be in memory
        return work_key(self.models.after(stage), digests, job)

    def _job(
        self, selection: PromptSelection, sampling: Sampling, stages: Sequence[str] = ()
    ) -> EvaluationJob:
        return EvaluationJob(
            stages=tuple(stages),
            selection=selection,
            detector=self.detector,
            output=self.output,
            sampling=sampling,
            dtype=self.how.dtype,
            format_choice=self.how.format_choice,
            batch_size=self.how.batch_size,
            second_judge=self.second_judge,
            kept=self.how.kept,
            num_processes=self.how.num_processes,
            launched=self.how.launched,
        )


@dataclass
class _Expectation:
    """Passes progress on; once the first answers are written, says how long the others will take."""

    reporter: Reporter
    _begun: tuple[float, int] | None = None
    """When, and how many answers there were."""
    _said: bool = field(default=False)

    def __call__(self, task: str, done: int, total: int) -> None:
        self.reporter.progress(task, done, total)
        if self._said or not task.endswith("generate responses"):
            return
        if self._begun is None:
            self._begun = time.monotonic(), done
            return
        started, before = self._begun
        if done - before >= _NUM_TIMED:
            self._said = True
            left_s = (time.monotonic() - started) / (done - before) * (total - done)
            if total > done:
                self.reporter.say(
                    f"{task.partition(':')[0]}: about {rough_duration(left_s)} for the other "
                    f"{total - done:,} of {total:,} answers"
                )
