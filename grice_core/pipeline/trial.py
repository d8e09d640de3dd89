"""The base model, tried before anything is trained: it works exactly, or is refused in one sentence."""

import heapq
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import PeftModel

from grice_core.chat.format import Prompt
from grice_core.dpo.adapters import adapter_of, save_adapter
from grice_core.dpo.base import BaseModel
from grice_core.dpo.causality import check_causal
from grice_core.dpo.encode import EncodedPair, Ids, encode_prompts
from grice_core.dpo.hub import first_line
from grice_core.dpo.passes import PassChoice, acting_as_trained, choose_passes
from grice_core.dpo.policy import add_adapter, attach_saved
from grice_core.dpo.targets import Reach, reach_of
from grice_core.errors import ModelError
from grice_core.evaluation.decoding import Decoder, Decoding, choose_decoding
from grice_core.evaluation.rows import fitting
from grice_core.pipeline.encoded_stage import EncodedStage, encode_stage
from grice_core.pipeline.probe import Probe
from grice_core.pipeline.stage_job import StageJob
from grice_core.progress import Reporter
from grice_core.recipes.config import LoraSettings

NUM_CAUSAL = 3
"""Rows on which causality is tried: what some models choose among keys shows on some rows only."""
LOW_REACH = 0.9
"""Below this share of the weights that a LoRA reaches, what is left out is said."""


@dataclass(frozen=True)
class TrialJob:
    """What the base will be asked to do."""

    stages: tuple[StageJob, ...]
    prompts: Sequence[Prompt]
    max_new_tokens: int
    dtype: torch.dtype


@dataclass(frozen=True)
class BaseTrial:
    """How a base model will be run, each way proven to give the plain model's numbers."""

    passes: tuple[PassChoice, ...]
    """By stage."""
    reach: tuple[Reach, ...]
    """By stage."""
    decoding: Decoding


def try_base(base: BaseModel, job: TrialJob, reporter: Reporter) -> BaseTrial:
    """Do with the base what every part of a pipeline will, on as little as tells.

    Raises: DataError, ModelError, PreflightError, RecipeError.
    """
    for remark in base.remarks:
        reporter.say(remark)
    # Said again, with what is left out, when a stage begins.
    encoded = [encode_stage(base, stage, Reporter()) for stage in job.stages]
    check_causal(base.model, base.name, _longest(encoded, NUM_CAUSAL))
    adapters = {stage.config.lora: stage.seed for stage in reversed(job.stages)}
    tried = {
        lora: _try_adapter(base, add_adapter(base, lora, seed), _pairs_of(lora, encoded), job.dtype)
        for lora, seed in adapters.items()
    }
    form = job.stages[0].format_choice.of(base.tokenizer)
    prompts = encode_prompts(base.tokenizer, job.prompts, form)
    base.check_ids(prompts)
    decoding = _decoding(base, prompts, job)
    passes, reach = zip(*(tried[stage.config.lora] for stage in job.stages), strict=True)
    trial = BaseTrial(passes, reach, decoding)
    for sentence in _remarks(base, trial):
        reporter.say(sentence)
    return trial


def _longest(stages: Sequence[EncodedStage], count: int) -> list[Ids]:
    """The longest rows, the longest first."""
    rows = {
        (*pair.prompt, *response)
        for stage in stages
        for pair in stage.examples.pairs
        for response in (pair.chosen, pair.rejected)
    }
    return heapq.nlargest(count, sorted(rows), key=len)


def _pairs_of(lora: LoraSettings, encoded: Sequence[EncodedStage]) -> list[EncodedPair]:
    """All pairs of the stages with this adapter: what is exact for all of them, is so for each."""
    return [
        pair for its in encoded if its.planned.config.lora == lora for pair in its.examples.pairs
    ]


def _try_adapter(
    base: BaseModel, policy: PeftModel, pairs: Sequence[EncodedPair], dtype: torch.dtype
) -> tuple[PassChoice, Reach]:
    """Takes the adapter off. Raises: InexactModelError, ModelError, PreflightError."""
    choice, reach = choose_passes(policy, pairs, dtype), reach_of(policy)
    _check_publishing(base, policy, pairs)
    return choice, reach


def _check_publishing(base: BaseModel, policy: PeftModel, pairs: Sequence[EncodedPair]) -> None:
    """Write the adapter as if it had learned something, and let stock PEFT read it back.

    Takes the adapter off. Raises: ModelError.
    """
    kind = base.model.config.model_type
    with acting_as_trained(policy), tempfile.TemporaryDirectory() as folder:
        probe = Probe.of(policy, pairs)
        save_adapter(adapter_of(policy), Path(folder))
        policy.unload()
        try:
            attached = attach_saved(base, Path(folder))
        except ModelError as error:
            raise ModelError(
                f"{base.name} ({kind}) can't be adapted: PEFT does not find all of LoRA's layers again when "
                "the adapter is loaded. Take another base model, or name lora.target_modules"
            ) from error
        gap = probe.gap_to(attached.eval())
        attached.unload()
    if not probe.accepts(gap):
        raise ModelError(
            f"{base.name} ({kind}) can't be adapted: saved and loaded by PEFT, an adapter gives other "
            f"log-probabilities than before (off by {gap:.2g}). Take another base model, or name "
            "lora.target_modules"
        )


def _decoding(base: BaseModel, prompts: Sequence[Ids], job: TrialJob) -> Decoding:
    """Raises: ModelError, if transformers can't write with this model in this number format."""
    device = base.model.device.type
    prompts = fitting(base.model, base.tokenizer, prompts, job.max_new_tokens)
    decoding = choose_decoding(base.model, prompts, job.max_new_tokens)
    if job.dtype == torch.bfloat16:
        rows = prompts[:1] if decoding in ("alone", "whole") else prompts[:2]
        try:
            with torch.no_grad(), torch.autocast(device, dtype=torch.bfloat16):
                decoder = Decoder(base.model, decoding, len(rows))
                decoder.admit(rows)
                decoder.step([row[-1] for row in rows])
        except (RuntimeError, TypeError, ValueError) as error:
            raise ModelError(
                f"transformers can't write with {base.name} in bf16 ({first_line(error)}): choose "
                "--precision fp32"
            ) from error
    return decoding


def _remarks(base: BaseModel, trial: BaseTrial) -> list[str]:
    remarks = []
    if trial.decoding == "alone":
        remarks.append(
            f"{base.name} writes one answer at a time: its cache mixes the rows of a batch"
        )
    if trial.decoding == "whole":
        remarks.append(
            f"{base.name} reads the whole text again for each new token, which takes long: it has no cache "
            "that gives the same numbers"
        )
    worst = min(trial.reach, key=lambda reach: reach.share)
    if worst.share < LOW_REACH:
        remarks.append(
            f"LoRA reaches {worst.share:.0%} of {base.name}'s weights (embeddings apart); left out: "
            f"{', '.join(worst.left_out)}"
        )
    return remarks
