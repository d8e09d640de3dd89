"""Answers to an evaluation's prompts by all ranks of a run, as rank 0 sees it.

In fp32 an answer depends on nothing but its model, prompt and number, so it does not matter who writes it. In bf16 it
depends on what is written together: shares are then the same whatever is there already.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

import torch

from grice_core.dpo.base import BaseModel
from grice_core.dpo.reference import weights_hash
from grice_core.evaluation.answers import Answers
from grice_core.evaluation.decoding import DecodingChoice
from grice_core.journal import Entry
from grice_core.pipeline.answer_shares import (
    deal,
    keep_entries,
    lacking_prompts,
    places_of,
    write_share,
)
from grice_core.pipeline.evaluation_job import EvaluationJob, asked_of
from grice_core.pipeline.launch_ranks import other_ranks
from grice_core.pipeline.published import StageModels
from grice_core.progress import Progress, Reporter

if TYPE_CHECKING:
    from grice_core.dpo.distributed.rank_store import RankStore
    from grice_core.pipeline.other_ranks import OtherRanks
    from grice_core.pipeline.rank_answers import AnswerRound

_TASK = "generate responses"


class ShareOut(Protocol):
    """Has all ranks add to a model's answers what is lacking."""

    def __call__(
        self, stage: str | None, base: BaseModel, answers: Answers, progress: Progress
    ) -> None: ...


@contextmanager
def shared_answers(
    models: StageModels, job: EvaluationJob, stages: Sequence[str], reporter: Reporter
) -> Iterator[ShareOut]:
    """The other ranks, if the run has any, at work on answers as long as the block runs.

    Args:
        stages: Those whose models may be asked, besides the plain base.

    Raises: LostProcessError, if one of them ends before it should; InterruptedRunError.
    """
    if job.num_processes == 1:
        yield _leave_it
        return
    with ExitStack() as stack:
        yield _SharedAnswers(models, job, stages, reporter, stack)


def _leave_it(stage: str | None, base: BaseModel, answers: Answers, progress: Progress) -> None:
    """One process shares nothing."""


class _SharedAnswers:
    def __init__(
        self,
        models: StageModels,
        job: EvaluationJob,
        stages: Sequence[str],
        reporter: Reporter,
        stack: ExitStack,
    ) -> None:
        self._models = models
        self._job = job
        self._stages = stages
        self._reporter = reporter
        self._stack = stack
        self._others: OtherRanks | None = None
        self._num_rounds = 0
        self._decoding = DecodingChoice()

    def __call__(
        self, stage: str | None, base: BaseModel, answers: Answers, progress: Progress
    ) -> None:
        """Raises: LostProcessError, InterruptedRunError, ModelError."""
        from grice_core.pipeline.rank_answers import AnswerRound

        asked = asked_of(base, self._job)
        shares = self._shares(answers, depend_on_batch=asked.depends_on_batch)
        if not any(shares):
            return
        others = self._others = self._others or self._begun(base.model.device)
        number = self._num_rounds
        self._num_rounds += 1
        sha256 = None if number else weights_hash(base.model)
        round_ = AnswerRound(others.number, number, stage, sha256, shares, asked.batch_size)
        gathering = _Gathering(others.store, self._job, round_, answers, progress)
        gathering.write_own(base, self._decoding)
        others.wait_until(gathering.is_whole, self._reporter.should_stop)

    def _shares(self, answers: Answers, *, depend_on_batch: bool) -> list[list[int]]:
        """Places of the prompts that each rank asks."""
        job, lacking = self._job, lacking_prompts(self._job, answers)
        if not depend_on_batch:
            return deal(sorted(lacking), job.num_processes)
        shares = deal(range(len(job.selection.prompts)), job.num_processes)
        return [share if lacking.intersection(share) else [] for share in shares]

    def _begun(self, device: torch.device) -> "OtherRanks":
        from grice_core.pipeline.carried import CarriedStages
        from grice_core.pipeline.rank_answers import AnswersWork, unwanted_key

        job = self._job
        others = self._stack.enter_context(other_ranks(job.num_processes, job.launched, device))
        work = AnswersWork(
            base=self._models.base_name,
            base_dtype=self._models.base_dtype,
            device_type=device.type,
            dtype=job.dtype,
            stages=CarriedStages.of(job.output, self._stages),
            asked=job.selection.asked,
            sampling=job.sampling,
            format_choice=job.format_choice,
        )
        others.give(work)
        self._stack.callback(others.store.put, unwanted_key(others.number), True)
        others.wait_until_ready(self._reporter.should_stop)
        return others


class _Gathering:
    """One model's answers, as the ranks write their shares."""

    def __init__(
        self,
        store: "RankStore",
        job: EvaluationJob,
        round_: "AnswerRound",
        answers: Answers,
        progress: Progress,
    ) -> None:
        self._store = store
        self._job = job
        self._round = round_
        self._shares = round_.shares
        self._answers = answers
        self._progress = progress
        num_samples = job.sampling.samples_per_prompt
        self._places = [places_of(share, num_samples) for share in self._shares]
        self._num_lacking = [len(places) for places in self._places]
        self._num_all = sum(self._num_lacking)
        self._num_parts = [0] * len(self._shares)
        store.put(round_.key, round_)

    def write_own(self, base: BaseModel, decoding: DecodingChoice) -> None:
        """Write rank 0's share, and keep what comes from the others meanwhile."""
        write_share(
            base,
            self._job,
            self._shares[0],
            lambda entries: self._keep(0, list(entries)),
            batch_size=self._round.batch_size,
            decoding=decoding,
            progress=self._own_progress,
        )

    def is_whole(self) -> bool:
        """Keep what has come from the others since; whether that is all."""
        if self._gather():
            self._progress(_TASK, self._num_all - sum(self._num_lacking), self._num_all)
        return not any(self._num_lacking)

    def _gather(self) -> int:
        """Keep what has come from the others; returns how many answers that are."""
        before = sum(self._num_lacking)
        for index in range(1, len(self._shares)):
            while entries := self._next_part(index):
                self._keep(index, entries)
        return before - sum(self._num_lacking)

    def _next_part(self, index: int) -> list[Entry]:
        key = self._round.part_key(index, self._num_parts[index])
        if not self._num_lacking[index] or not self._store.has(key):
            return []
        entries: list[Entry] = self._store.get(key)
        self._store.forget(key)
        self._num_parts[index] += 1
        return entries

    def _keep(self, index: int, entries: Sequence[Entry]) -> None:
        """Keep what a rank has written."""
        self._num_lacking[index] -= len(entries)
        keep_entries(self._answers, self._places[index], entries)

    def _own_progress(self, task: str, done: int, total: int) -> None:
        self._gather()
        num_lacking = sum(self._num_lacking[1:]) + total - done
        self._progress(task, self._num_all - num_lacking, self._num_all)
