"""What a job tells the database while it works, through the eyes of a pipeline's reporter."""

import time
from collections.abc import Callable, Mapping
from threading import Event

from grice_core.progress import Reporter
from grice_core.store import claims, sampled_answers
from grice_core.store.claims import Claim
from grice_core.store.database import Database
from grice_core.store.metrics import MetricWriter

_REPORT_EVERY_S = 1.0
_SETTLED_AFTER = 3
"""Steps after which their pace says something."""


class RunReporter:
    """Steps and numbers of one run; every write carries the claim."""

    def __init__(self, database: Database, claim: Claim, stop: Event) -> None:
        self._database = database
        self._claim = claim
        self._stop = stop
        self._writer = MetricWriter(database, claim)
        self._reported_at = float("-inf")
        self._first: tuple[int, float] | None = None
        """The first step that this process reported, and when."""

    def reporter(
        self,
        counts: Callable[[str, int, int], tuple[int, int] | None],
        **callbacks: Callable[..., None],
    ) -> Reporter:
        """What the pipeline's parts report to.

        Args:
            counts: makes (done, total) of the whole run of a task's (name, done, total); None: the
                task says nothing about how far the run is.
            callbacks: further ones of the reporter.
        """

        def progress(task: str, done: int, total: int) -> None:
            whole = counts(task, done, total)
            if whole is not None:
                self._report(*whole)

        return Reporter(
            progress=progress,
            say=self.say,
            should_stop=self.should_stop,
            on_step=self._on_step,
            on_checkpoint=self._writer.flush,
            on_checkpointed=lambda step: claims.report_checkpoint(
                self._database, self._claim, step
            ),
            on_answers=lambda answers: sampled_answers.record(self._database, self._claim, answers),
            on_trouble=lambda kind, sentence: claims.report_trouble(
                self._database, self._claim, kind, sentence
            ),
            **callbacks,
        )

    def say(self, message: str) -> None:
        """Write a line into the run's log."""
        print(message, flush=True)  # noqa: T201

    def should_stop(self) -> bool:
        return self._stop.is_set() or self._writer.stop_requested

    def close(self) -> None:
        """Store what was not stored yet."""
        self._writer.flush()

    def _on_step(self, record: Mapping[str, float]) -> None:
        numbers = {name: value for name, value in record.items() if name != "step"}
        self._writer.add(int(record["step"]), numbers)

    def _report(self, done: int, total: int) -> None:
        self._writer.num_steps = total
        now = time.monotonic()
        self._first = self._first or (done, now)
        if now - self._reported_at >= _REPORT_EVERY_S or done == total:
            claims.report_steps(self._database, self._claim, done, total, self._pace_s(done, now))
            self._reported_at = now

    def _pace_s(self, done: int, now: float) -> float | None:
        """Seconds per step since the first one reported; what came before it was preparation."""
        first, since = self._first or (done, now)
        return (now - since) / (done - first) if done - first >= _SETTLED_AFTER else None
