"""What a pipeline would take, from a few steps and answers measured on this machine."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from grice_core.dpo.base import BaseModel, load_base
from grice_core.dpo.encode import encode_pairs
from grice_core.dpo.shown import ShownPair, show_pair
from grice_core.errors import DataError
from grice_core.evaluation.answers import Answers
from grice_core.kernels.memory import peak_bytes
from grice_core.pipeline.config import PipelineConfig
from grice_core.pipeline.inputs import PipelineInputs, cut_inputs
from grice_core.pipeline.judging import BASELINE, evaluate_model
from grice_core.pipeline.pace import measure_pace, stage_seconds
from grice_core.pipeline.parts import PipelineParts
from grice_core.pipeline.preparing import EncodedStage, encode_stage
from grice_core.pipeline.sources import open_pairs
from grice_core.pipeline.trial import try_base
from grice_core.progress import Reporter

NUM_ANSWERS = 16
"""Answers that are written and judged to see how long one takes: a batch of them."""
NUM_SHOWN = 10
"""Pairs among which one is looked for that fits, to be shown as the model will see it."""


@dataclass(frozen=True)
class StageEstimate:
    """One stage that would be trained."""

    name: str
    num_train: int
    num_heldout: int
    num_steps: int
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """What a pipeline would take."""

    stages: tuple[StageEstimate, ...]
    num_answers: int
    """That baseline and stages would write."""
    evaluation_s: float
    loading_s: float
    peak_bytes: int
    """Most memory at once: of a GPU, or of all processes on a CPU."""
    device: str
    precision: str
    shown_pair: ShownPair | None = None
    """The first stage's first pair, as the model will see it."""

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.loading_s + self.evaluation_s + sum(stage.seconds for stage in self.stages)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"seconds": self.seconds}


def estimate_pipeline(config: PipelineConfig, reporter: Reporter) -> Estimate:
    """Load everything, take a few steps of the first stage, write and judge a batch of answers.

    Nothing is written. Reference log-probabilities count as not yet known.

    Raises: DataError, DetectorError, ModelError, TrainingError, InterruptedRunError.
    """
    parts = PipelineParts(config, reporter)
    started = time.perf_counter()
    parts.load_detector()
    inputs = _cut(config, reporter)
    base = load_base(config.base, parts.device)
    try_base(base, parts.trial_job(inputs), reporter)
    loading_s = time.perf_counter() - started
    stages = tuple(_stages(base, parts, inputs, reporter))
    per_answer = _seconds_per_answer(base, parts, inputs, reporter)
    num_prompts = len(inputs.selection.prompts) * config.samples_per_prompt
    on_gpu = parts.device.type == "cuda"
    num_answers = (1 + len(stages)) * num_prompts
    return Estimate(
        stages=stages,
        num_answers=num_answers,
        evaluation_s=per_answer * num_answers,
        loading_s=loading_s,
        peak_bytes=peak_bytes(parts.device) * (1 if on_gpu else parts.num_processes),
        device=str(parts.device),
        precision=str(parts.dtype).removeprefix("torch."),
        shown_pair=_shown(base, parts, inputs),
    )


def _cut(config: PipelineConfig, reporter: Reporter) -> PipelineInputs:
    """The inputs, as far as they are scored.

    Raises: DataError, if nothing is.
    """
    opened = open_pairs(config.data, reporter.interruptible)
    num_missing = int((~opened.table.scored).sum())
    if num_missing == len(opened.table):
        raise DataError(
            f"{opened.name}: no pair is scored, so nothing can be said about the stages: "
            "`grice score` them first"
        )
    if num_missing:
        reporter.say(
            f"{num_missing:,} pairs come without scores: they are left out here; the pipeline scores "
            "them first, which takes longer, and then the stages grow"
        )
    return cut_inputs(config, opened, opened.table, reporter)


def _stages(
    base: BaseModel, parts: PipelineParts, inputs: PipelineInputs, reporter: Reporter
) -> Iterator[StageEstimate]:
    """Each stage at the pace of the first one's steps."""
    pace, earlier = None, list[EncodedStage]()
    for number in range(len(inputs.stages)):
        job = parts.stage_job(number, inputs)
        encoded = encode_stage(base, job, reporter)
        pace = pace or measure_pace(base, job, encoded, reporter)
        planned = encoded.planned
        yield StageEstimate(
            job.name,
            len(planned.train_indices),
            len(planned.heldout_indices),
            planned.num_steps,
            stage_seconds(pace, job, encoded, earlier),
        )
        earlier.append(encoded)


def _shown(base: BaseModel, parts: PipelineParts, inputs: PipelineInputs) -> ShownPair | None:
    """The first of the first stage's pairs that fits."""
    config = inputs.stages[0].config
    limit = min(config.max_length, base.max_positions or config.max_length)
    form = parts.format_choice.of(base.tokenizer)
    first = inputs.table.take(inputs.stages[0].train_indices[:NUM_SHOWN])
    pairs = encode_pairs(first, base.tokenizer, limit, form).pairs.values()
    return next((show_pair(pair, form) for pair in pairs), None)


def _seconds_per_answer(
    base: BaseModel, parts: PipelineParts, inputs: PipelineInputs, reporter: Reporter
) -> float:
    """Of the base; a stage that learned to be brief is quicker."""
    job = parts.evaluation_job(inputs.selection.first(NUM_ANSWERS))
    started = time.perf_counter()
    answered = evaluate_model(BASELINE, base, job, Answers(), reporter)
    return (time.perf_counter() - started) / len(answered.responses)
