"""What baseline and stages are asked, by whom they are judged, and all that their answers depend on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from grice_core.chat.choice import FormatChoice
from grice_core.detector.judge import Detector
from grice_core.dpo.base import BaseModel
from grice_core.dpo.encode import encode_prompts
from grice_core.dpo.reference import config_hash, weights_hash
from grice_core.evaluation.batching import rows_that_fit
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.selection import PromptSelection
from grice_core.kept import Kept, NothingKept, key_of
from grice_core.pipeline.kept_answers import Asked, published_digests
from grice_core.pipeline.output import OutputFolder
from grice_core.recipes.config import EvaluationConfig

if TYPE_CHECKING:
    from grice_core.pipeline.other_ranks import OtherRanks


@dataclass(frozen=True, eq=False)
class EvaluationJob:
    """What baseline and stages are asked, and who judges."""

    stages: tuple[str, ...]
    """Names of the trained stages, in order."""
    selection: PromptSelection
    detector: Detector
    output: OutputFolder
    sampling: Sampling
    dtype: torch.dtype
    config: EvaluationConfig = field(default_factory=EvaluationConfig)
    """The criteria."""
    format_choice: FormatChoice = field(default_factory=FormatChoice)
    batch_size: int | None = None
    """Answers that are written at once; None: as many as fit."""
    second_judge: Detector | None = None
    """Judges the same answers beside the detector."""
    kept: Kept = field(default_factory=NothingKept)
    """Answers and scores of earlier evaluations."""
    num_processes: int = 1
    launched: "OtherRanks | None" = None
    """Those that a launcher has started; None: the evaluation starts its own."""


def digests_of(base: BaseModel) -> tuple[str, ...]:
    """Digests of what a model computes, and of what ends its answers."""
    ends = getattr(getattr(base.model, "generation_config", None), "eos_token_id", None)
    return weights_hash(base.model), config_hash(base.model), repr(ends)


def asked_of(base: BaseModel, job: EvaluationJob) -> Asked:
    """What a model is asked, as it reads it."""
    form = job.format_choice.of(base.tokenizer)
    ids = encode_prompts(base.tokenizer, job.selection.asked, form)
    fits = rows_that_fit(base.model, ids, job.sampling.max_new_tokens, job.dtype)
    return Asked(
        prompts=job.selection.prompts,
        ids=ids,
        sampling=job.sampling,
        form=form,
        device=base.model.device,
        dtype=job.dtype,
        batch_size=job.batch_size or fits,
        num_processes=job.num_processes,
    )


def work_key(base: BaseModel, weights: Sequence[str], job: EvaluationJob) -> str:
    """What the answers and their scores depend on."""
    asked = asked_of(base, job)
    judges = [job.detector] if job.second_judge is None else [job.detector, job.second_judge]
    parts = (
        *weights,
        *asked.described(),
        *asked.names(),
        *(judge.record.fingerprint for judge in judges),
        *(digest for stage in job.stages for digest in published_of(job.output, stage)),
    )
    return key_of("evaluation", parts)


def published_of(output: OutputFolder, stage: str | None) -> list[str]:
    """Digests of what a stage published; none of the baseline."""
    return [] if stage is None else published_digests(output.stage(stage).final_model)
