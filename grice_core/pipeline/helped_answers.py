"""Answers that other workers help to write, as the run that needs them sees it.

The prompts are dealt out to this run and to helpers, who leave what they wrote as a journal. What no helper has begun by
the time that this run has written its own share, or a helper could not finish, this run writes itself. In fp32 an answer
depends on nothing but its model, prompt and number, so it does not matter who writes it; in bf16 no one helps.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from grice_core.dpo.base import BaseModel
from grice_core.evaluation.answers import AnswerJournal, Answers
from grice_core.pipeline.answer_shares import (
    Share,
    deal,
    keep_entries,
    lacking_prompts,
    places_of,
    write_share,
)
from grice_core.pipeline.evaluation_job import EvaluationJob, asked_of
from grice_core.pipeline.judging import BASELINE
from grice_core.progress import Progress, Reporter

_TASK = "generate responses"
_LOOK_EVERY_S = 0.3


class Helpers(Protocol):
    """Others who may write shares of some answers; share 0 is this run's own."""

    def ask(self, num_answers: int) -> int:
        """Ask for help with so many answers; returns how many shares there are, 1 if no one helps."""

    def written(self, share: int) -> Path | None:
        """The journal of a share that a helper has finished."""

    def take_back(self, share: int) -> bool:
        """Whether a share is this run's from now on: no helper is at work on it, and none will be."""

    def num_written(self) -> int:
        """About how many answers helpers have written that were not fetched yet."""

    def dismiss(self) -> None:
        """Everything is there: forget what was asked for."""


@dataclass(eq=False)
class HelpedAnswers:
    """Adds to a model's answers what is lacking, with the help of others."""

    job: EvaluationJob
    helpers: Helpers
    key: str
    """Of a journal of these answers."""
    reporter: Reporter
    _waiting: dict[int, Share] = field(default_factory=dict)
    """Shares that helpers have."""

    def __call__(
        self, stage: str | None, base: BaseModel, answers: Answers, progress: Progress
    ) -> None:
        """Raises: ModelError, OutputError, InterruptedRunError."""
        name, lacking = stage or BASELINE, lacking_prompts(self.job, answers)
        k, num_prompts = self.job.sampling.samples_per_prompt, len(self.job.selection.prompts)
        if asked_of(base, self.job).depends_on_batch:
            return
        count = self.helpers.ask(k * len(lacking)) if lacking else 1
        if count > 1:
            own, *others = deal(range(num_prompts), count)
            self._waiting = dict(enumerate(others, start=1))
            self._write(base, [place for place in own if place in lacking], answers, progress)
            while self._waiting:
                self._look(name, base, answers, progress)
        self.helpers.dismiss()

    def _write(self, base: BaseModel, share: Share, answers: Answers, progress: Progress) -> None:
        places = places_of(share, self.job.sampling.samples_per_prompt)
        write_share(
            base,
            self.job,
            share,
            lambda entries: keep_entries(answers, places, list(entries)),
            batch_size=asked_of(base, self.job).batch_size,
            progress=lambda *_: self._tell(answers, progress),
        )

    def _look(self, model: str, base: BaseModel, answers: Answers, progress: Progress) -> None:
        """Take what helpers have finished, and take over what no one is at work on."""
        for number, share in list(self._waiting.items()):
            journal = self.helpers.written(number)
            if journal is not None:
                self._take(model, journal, answers)
            elif not self.helpers.take_back(number):
                continue
            del self._waiting[number]
            lacking = lacking_prompts(self.job, answers)
            self._write(base, [place for place in share if place in lacking], answers, progress)
        self._tell(answers, progress)
        if self._waiting:
            time.sleep(_LOOK_EVERY_S)

    def _take(self, model: str, journal: Path, answers: Answers) -> None:
        """What a helper wrote, unless it is of another model, or asked otherwise."""
        with AnswerJournal(journal, self.key) as theirs:
            found = theirs.of(model)
        if not found.responses:
            self.reporter.say(
                f"{model}: what another worker wrote is of no use, since its model or what it asks differs"
            )
        lacking = found.responses.keys() - answers.responses.keys()
        new = {place: found.responses[place] for place in sorted(lacking)}
        answers.keep_responses(new, found.cut & lacking, {p: found.tokens[p] for p in new})

    def _tell(self, answers: Answers, progress: Progress) -> None:
        num_all = len(self.job.selection.prompts) * self.job.sampling.samples_per_prompt
        done = len(answers.responses) + self.helpers.num_written()
        progress(_TASK, min(done, num_all), num_all)
