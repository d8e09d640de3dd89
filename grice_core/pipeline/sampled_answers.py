"""What a stage's model answers to a few held-out prompts while it trains, to be read beside its curves.

The noise of a draw is a hash of prompt and position, so what differs from step to step is the model's doing, and
training draws what it would draw without.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from grice_core.dpo.base import BaseModel
from grice_core.dpo.checkpointing.history import StepFile, read_steps
from grice_core.dpo.train import StageTrainer
from grice_core.evaluation.answers import Answers
from grice_core.evaluation.decoding import DecodingChoice
from grice_core.evaluation.generation import generate
from grice_core.pipeline.stage_job import StageJob
from grice_core.pipeline.watched_prompts import WatchedPrompts
from grice_core.progress import Reporter, SampledAnswer

Ask = Callable[[int], Sequence[SampledAnswer]]
"""Given how many steps the model has taken."""


class StageAnswers:
    """Asks a stage's model every so many steps, and keeps what it answers."""

    def __init__(self, every: int, ask: Ask, file: StepFile, reporter: Reporter) -> None:
        self._every = every
        self._ask = ask
        self._file = file
        self._reporter = reporter
        self._steps: set[int] = set()
        """Those after which it was asked."""

    def begin(self, step: int) -> None:
        """Withdraw what was answered after this step, from which training continues; all of it at the start."""
        self._file.truncate_after(step or -1)
        self._steps = {answer.step for answer in read_answers(self._file.path)}

    def after(self, step: int) -> None:
        """Ask the model, if it is time."""
        if step % self._every == 0:
            self.sample(step)

    def sample(self, step: int) -> None:
        """Ask the model as it is after this step, unless it was asked there."""
        if step not in self._steps:
            self.keep(self._ask(step))

    def keep(self, answers: Sequence[SampledAnswer]) -> None:
        """Take answers as if they had just been written."""
        self._reporter.on_answers(answers)  # first: it knows whether this process may still write
        for answer in answers:
            self._file.write(asdict(answer))
            self._steps.add(answer.step)

    def sync(self) -> None:
        """Force all of them to disk."""
        self._file.sync()


@contextmanager
def stage_answers(
    trainer: StageTrainer, base: BaseModel, job: StageJob, reporter: Reporter
) -> Iterator[StageAnswers | None]:
    """What asks the policy of this trainer, and keeps its answers beside its history; None if it is not asked."""
    watched = job.watched
    why_not = None if watched is None else _why_not(watched, job)
    if watched is None or why_not:
        if why_not:
            reporter.say(f"{job.name}: no answers are sampled while it trains, since {why_not}")
        yield None
        return
    with StepFile(job.output.stage(job.name).answers) as file:
        yield StageAnswers(
            watched.every, _asking(trainer, base, job, watched, reporter), file, reporter
        )


def read_answers(path: Path) -> list[SampledAnswer]:
    """The answers in a stage's file, as they were written; none if there is no file."""
    return [SampledAnswer(**line) for line in read_steps(path)]


def _why_not(watched: WatchedPrompts, job: StageJob) -> str | None:
    if not watched.asked:
        return "no prompt is held out that is not evaluated: raise holdout_share"
    if job.num_processes > 1 and job.parallel.fsdp:
        return "with parallel.fsdp no process holds the whole model"
    return None


def _asking(
    trainer: StageTrainer,
    base: BaseModel,
    job: StageJob,
    watched: WatchedPrompts,
    reporter: Reporter,
) -> Ask:
    form = job.format_choice.of(base.tokenizer)
    decoding = DecodingChoice(_decoding(job))
    count = len(watched.asked)

    def ask(step: int) -> list[SampledAnswer]:
        started, answers = time.perf_counter(), Answers()
        with trainer.compute.autocast():
            texts = generate(
                trainer.policy.get_base_model(),
                base.tokenizer,
                watched.asked,
                watched.sampling,
                form=form,
                batch_size=count,
                decoding=decoding,
                answers=answers,
            )
        if step == 0:
            reporter.say(
                f"{job.name}: {count} held-out prompts are asked every {watched.every:,} steps, which takes "
                f"{time.perf_counter() - started:.1f} s each time"
            )
        return [
            SampledAnswer(step, place, prompt.text, text, place in answers.cut)
            for place, (prompt, text) in enumerate(zip(watched.asked, texts, strict=True))
        ]

    return ask


def _decoding(job: StageJob) -> Any:
    """How the base writes, as its trial has found."""
    inputs = (job.output.read_run() or {}).get("inputs", {})
    return inputs.get("base", {}).get("trial", {}).get("decoding")
