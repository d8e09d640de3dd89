"""What a pipeline would take, from a few steps and answers measured on this machine."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from grice_core.detector.judge import Detector
from grice_core.detector.llm.detector import ChatDetector
from grice_core.detector.llm.estimate import judging_sentence, texts_like_answers
from grice_core.detector.pairs import score_pairs
from grice_core.dpo.base import BaseModel
from grice_core.dpo.encode import encode_pairs
from grice_core.dpo.shown import ShownPair, show_pair
from grice_core.errors import DataError
from grice_core.evaluation.answers import Answers
from grice_core.evaluation.planning import CriterionPower, criterion_power, power_sentences
from grice_core.kernels.memory import peak_bytes
from grice_core.kernels.precision import WeightFormat
from grice_core.pipeline.config import PipelineConfig
from grice_core.pipeline.encoded_stage import EncodedStage, encode_stage
from grice_core.pipeline.expected_rounds import expected_job
from grice_core.pipeline.inputs import PipelineInputs, cut_inputs
from grice_core.pipeline.judges import Judges
from grice_core.pipeline.judging import BASELINE, evaluate_model
from grice_core.pipeline.pace import measure_pace, stage_seconds
from grice_core.pipeline.parts import PipelineParts
from grice_core.pipeline.sources import OpenedPairs, open_pairs
from grice_core.progress import Reporter

NUM_ANSWERS = 32
"""Answers that are written and judged to see how long one takes: in larger batches, it takes hardly less."""
NUM_SCORED = 256
"""Pairs without scores that are scored to see how long one takes, and how many of them stages keep."""
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
    num_answers: int = 0
    """That it would sample: of a stage that takes its pairs from the model; its pairs are then the most there can be."""
    num_heldout_answers: int = 0
    """Those of them to held-out prompts, which the second judge is asked about, too."""

    def asking(self, per_answer: float) -> "StageEstimate":
        """The same with the time that its answers take."""
        return replace(self, seconds=self.seconds + per_answer * self.num_answers)

    def grown(self, factor: float) -> "StageEstimate":
        """The same with so many times the pairs."""
        if self.num_answers:  # of prompts, which there are as many of
            return self
        train, heldout, steps = (
            round(factor * count) for count in (self.num_train, self.num_heldout, self.num_steps)
        )
        return StageEstimate(self.name, train, heldout, steps, factor * self.seconds)


@dataclass(frozen=True)
class ScoringEstimate:
    """Pairs that come without scores, which the detector would score first."""

    num_pairs: int
    seconds: float
    growth: float
    """How many times the pairs that are scored here the stages are cut out of."""


@dataclass(frozen=True)
class Estimate:
    """What a pipeline would take."""

    scoring: ScoringEstimate
    stages: tuple[StageEstimate, ...]
    num_answers: int
    """That baseline and stages would write."""
    evaluation_s: float
    loading_s: float
    peak_bytes: int
    """Most memory at once: of a GPU, or of all processes on a CPU."""
    device: str
    precision: str
    power: CriterionPower
    """How often so many prompts would decide the verdict's criteria."""
    power_sentences: tuple[str, ...]
    """The same in words."""
    base_dtype: WeightFormat = "fp32"
    """How the base's weights are held."""
    shown_pair: ShownPair | None = None
    """The first stage's first pair, as the model will see it."""
    judging: tuple[str, ...] = ()
    """Of each judge that is a language model: what it is asked, in words."""

    @property
    def seconds(self) -> float:
        """All of it."""
        stages_s = sum(stage.seconds for stage in self.stages)
        return self.loading_s + self.scoring.seconds + stages_s + self.evaluation_s

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
    detector = parts.judges.detector
    loading_s = time.perf_counter() - started
    opened, scoring = _scored(config, detector, reporter)
    started = time.perf_counter()
    inputs = _cut(config, opened, scoring, reporter)
    base, _ = parts.try_base(inputs)
    loading_s += time.perf_counter() - started
    measured = list(_stages(base, parts, inputs, reporter))
    per_answer = _seconds_per_answer(base, parts, inputs, reporter)
    stages = tuple(stage.asking(per_answer).grown(scoring.growth) for stage in measured)
    num_prompts = len(inputs.selection.prompts)
    on_gpu = parts.device.type == "cuda"
    num_answers = (1 + len(stages)) * num_prompts * config.samples_per_prompt
    criteria = config.recipe.evaluation
    power = criterion_power(criteria, num_prompts, config.samples_per_prompt)
    return Estimate(
        scoring=scoring,
        stages=stages,
        num_answers=num_answers,
        evaluation_s=per_answer * num_answers,
        loading_s=loading_s,
        peak_bytes=peak_bytes(parts.device) * (1 if on_gpu else parts.num_processes),
        device=str(parts.device),
        precision=str(parts.dtype).removeprefix("torch."),
        base_dtype=parts.base_dtype,
        shown_pair=_shown(base, parts, inputs),
        power=power,
        power_sentences=tuple(power_sentences(criteria, power, inputs.selection.num_available)),
        judging=tuple(_judging(parts.judges, inputs, stages, num_answers)),
    )


def _judging(
    judges: Judges, inputs: PipelineInputs, stages: Sequence[StageEstimate], num_evaluated: int
) -> Iterator[str]:
    like = texts_like_answers(inputs.table)
    sampled = sum(stage.num_answers for stage in stages)
    heldout = sum(stage.num_heldout_answers for stage in stages)
    for judge, num_of_rounds in zip(judges.load(), (sampled, heldout), strict=True):
        if isinstance(judge, ChatDetector):
            yield judging_sentence(judge, like, num_of_rounds, num_evaluated)


def _cut(
    config: PipelineConfig, opened: OpenedPairs, scoring: ScoringEstimate, reporter: Reporter
) -> PipelineInputs:
    """The stages' sets; a sample in which a stage has too few does not refuse what all pairs may allow."""
    try:
        return cut_inputs(config, opened, opened.table, reporter)
    except DataError as error:
        if scoring.growth == 1:
            raise
        known = round(len(opened.table) / scoring.growth)
        raise DataError(
            f"of the {known:,} pairs that have scores here: {error} All {len(opened.table):,} may give enough: "
            "`grice score` them first"
        ) from error


def _scored(
    config: PipelineConfig, detector: Detector, reporter: Reporter
) -> tuple[OpenedPairs, ScoringEstimate]:
    """The pairs with the scores that they come with, and those of a sample of the others."""
    opened = open_pairs(config.data, reporter.interruptible)
    table = opened.table
    missing = np.flatnonzero(~table.scored)
    if not len(missing):
        return opened, ScoringEstimate(0, 0.0, 1.0)
    spread = np.linspace(0, len(missing) - 1, min(NUM_SCORED, len(missing))).astype(np.int64)
    sample = missing[spread]
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        scored = score_pairs(
            detector,
            table.take(sample),
            Path(folder) / "journal",
            progress=reporter.interruptible,
        ).table
        seconds = (time.perf_counter() - started) * len(missing) / len(sample)
    chosen, rejected = table.chosen_scores.copy(), table.rejected_scores.copy()
    chosen[sample], rejected[sample] = scored.chosen_scores, scored.rejected_scores
    known = len(table) - len(missing) + len(sample)
    if len(sample) < len(missing):
        reporter.say(
            f"{len(missing):,} pairs come without scores; {len(sample):,} of them are scored here, and "
            f"what the stages keep of {known:,} pairs is taken for all {len(table):,}"
        )
    else:
        reporter.say(f"{len(missing):,} pairs come without scores: they are scored here, too")
    table = replace(table, chosen_scores=chosen, rejected_scores=rejected)
    return (
        replace(opened, table=table),
        ScoringEstimate(len(missing), seconds, len(table) / known),
    )


def _stages(
    base: BaseModel, parts: PipelineParts, inputs: PipelineInputs, reporter: Reporter
) -> Iterator[StageEstimate]:
    """Each stage at the pace of the first one's steps."""
    pace, earlier = None, list[EncodedStage]()
    for number in range(len(inputs.stages)):
        job, expected = expected_job(
            parts.stage_job(number, inputs), number, parts.config.recipe, inputs
        )
        encoded = encode_stage(base, job, reporter)
        pace = pace or measure_pace(base, job, encoded, reporter)
        planned = encoded.planned
        yield StageEstimate(
            job.name,
            len(planned.train_indices),
            len(planned.heldout_indices),
            planned.num_steps,
            stage_seconds(pace, job, encoded, earlier),
            0 if expected is None else expected.num_answers,
            0 if expected is None else expected.num_asked,
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
