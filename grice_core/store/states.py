"""What a run does, where, and how far it is."""

from enum import StrEnum


class RunKind(StrEnum):
    """What a run does."""

    SCORE = "score"
    FIT_DETECTOR = "fit_detector"
    IMPORT_DETECTOR = "import_detector"
    SCORE_DATA = "score_data"
    """Gives the unscored pairs of a data set scores; stands on its own."""
    TRAIN = "train"
    EVALUATE = "evaluate"
    EXPORT = "export"
    ESTIMATE = "estimate"
    """Measures what a pipeline would take; stands on its own, and changes nothing."""
    EXPORT_MODEL = "export_model"
    """Writes a stage of a pipeline for other programs; stands beside the pipeline, and goes with it."""

    SAMPLE = "sample"
    """Writes a share of the answers that a round of a pipeline samples, for the run that trains the round."""

    def progress(self, step: int, num_steps: int) -> str:
        """How far a run of this kind is, in what it counts: `step 3 of 10`, `200 of 300 answers`."""
        if self is RunKind.EVALUATE:  # each answer is written, and then judged
            return f"{step // 2:,} of {num_steps // 2:,} answers"
        if self is RunKind.SAMPLE:
            return f"{step:,} of {num_steps:,} answers"
        if self in (RunKind.SCORE, RunKind.SCORE_DATA):
            return f"{step:,} of {num_steps:,} pairs"
        unit = "part" if self is RunKind.EXPORT_MODEL else "step"
        return f"{unit} {step:,} of {num_steps:,}"

    def of_stage(self, stage: str | None) -> str:
        """What a run of this kind does, in words: `score data`, `train stage1`."""
        return " ".join(filter(None, [self.replace("_", " "), stage]))


class Device(StrEnum):
    """The class of worker that a run needs; each has its own queue."""

    CPU = "cpu"
    GPU = "gpu"


class RunState(StrEnum):
    """Where a run stands.

    queued → running → succeeded | failed | cancelled, and running → interrupted → running when the
    owner vanished or shut down. `transitions` is the only module that changes it.
    """

    QUEUED = "queued"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    def is_finished(self) -> bool:
        """Nothing will happen any more unless a user asks for it."""
        return self in FINISHED

    def is_waiting(self) -> bool:
        """A worker may claim it."""
        return self in WAITING


class SweepState(StrEnum):
    """Where a sweep stands; `sweeps` is the only module that changes it."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """One of its pipelines failed that it can't do without, or it can't be asked what comes next."""
    CANCELLED = "cancelled"


class NoticeEvent(StrEnum):
    """What people can be notified of."""

    SUCCEEDED = "succeeded"
    """All runs of a pipeline are done."""
    FAILED = "failed"
    """One of its runs failed, so the pipeline stands still until a user resumes it."""
    STALLED = "stalled"
    """The process of one of its runs stands still while its worker lives."""


BESIDE_PIPELINES = frozenset({RunKind.EXPORT_MODEL, RunKind.SAMPLE})
"""Kinds of runs that are of no pipeline's chain, and go with the pipeline that their specification names as
`pipeline_id`."""
WAITING = frozenset({RunState.QUEUED, RunState.INTERRUPTED})
FINISHED = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED})
