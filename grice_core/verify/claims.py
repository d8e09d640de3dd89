"""A pipeline's output folder with everything that its claims are derived from again."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import torch

from grice_core.chat.choice import FormatChoice
from grice_core.detector.judge import Detector
from grice_core.detector.load import load_detector
from grice_core.dpo.reference import weights_hash
from grice_core.errors import InputError
from grice_core.evaluation.stored import StoredEvaluation, read_evaluation
from grice_core.kernels.precision import resolve_base_dtype, resolve_device, resolve_precision
from grice_core.pipeline.inputs import PipelineInputs, read_inputs
from grice_core.pipeline.kept_steps import num_planned
from grice_core.pipeline.options import BaseDtype
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.published import StageModels
from grice_core.pipeline.reopening import Places, reopened
from grice_core.progress import Reporter
from grice_core.recipes.config import StageConfig
from grice_core.recipes.plan import PlannedStage, capped


class Claims:
    """What the folder says, and its inputs as they are now; each is read when a check needs it."""

    def __init__(self, folder: Path, places: Places, device: str, draw: Random) -> None:
        """Raises: InputError, if the folder holds no finished pipeline."""
        self.output = OutputFolder(folder)
        self.config = reopened(self.output, places, device)
        self.record: dict[str, Any] = self.output.read_run() or {}
        if self.record.get("state") != "finished":
            raise InputError(
                f"the pipeline in {folder} is not finished: continue it with grice pipeline --resume"
            )
        self.draw = draw
        self.device = resolve_device(device)
        self.dtype = resolve_precision(self.config.precision, self.device)

    @property
    def batch_size(self) -> int | None:
        """Answers that were written at once; None: as many as fit, and the record is of before it said how many."""
        chosen = self.config.eval_batch
        return self.record.get("answers_at_once") if chosen == "auto" else chosen

    @property
    def stages(self) -> list[StageConfig]:
        """Those that count: without rounds that were left out."""
        in_effect = {each["name"]: each.get("in_effect") for each in self.record.get("rounds", ())}
        return [
            stage
            for stage in self.config.recipe.stages
            if not stage.is_from_model or in_effect.get(stage.name)
        ]

    @cached_property
    def planned(self) -> tuple[PlannedStage, ...]:
        """The same, with their pairs; a round has as many steps as its cap left it."""
        names = set(self.names)
        return tuple(
            stage
            if stage.config.max_steps is None
            else capped(stage, num_planned(self.stage_record(stage.config.name)))
            for stage in self.inputs.stages
            if stage.config.name in names
        )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(stage.name for stage in self.stages)

    def stage_record(self, name: str) -> dict[str, Any]:
        """What run.json says of a stage."""
        found: dict[str, Any] = next(each for each in self.record["stages"] if each["name"] == name)
        return found

    @property
    def rounding(self) -> float:
        """The largest relative difference that another machine of the same kind makes."""
        return 1e-2 if self.dtype == torch.bfloat16 else 1e-4

    @cached_property
    def detector(self) -> Detector:
        return load_detector(self.config.detector, self.device, self.config.precision)

    @cached_property
    def inputs(self) -> PipelineInputs:
        """Data and prompts, cut again by the recipe."""
        return read_inputs(self.config, lambda: self.detector, self.output, Reporter())

    @cached_property
    def evaluation(self) -> StoredEvaluation:
        return read_evaluation(self.output.path)

    @cached_property
    def models(self) -> StageModels:
        dtype: BaseDtype = self.record["inputs"]["base"].get("dtype", "fp32")
        held = resolve_base_dtype(dtype, self.dtype)
        return StageModels(self.config.base, self.device, self.output, held)

    @cached_property
    def base_sha256(self) -> str:
        return weights_hash(self.models.after(None).model)

    @cached_property
    def format_choice(self) -> FormatChoice:
        rendered_at = self.record.get("prompt_format", {}).get("rendered_at")
        return FormatChoice.at(self.config.recipe.prompt_format, rendered_at)


@dataclass(frozen=True)
class Check:
    """One kind of claim, derived again."""

    name: str
    looked_at: str
    """What was derived again, in words."""
    problems: tuple[str, ...] = ()
    """What does not hold, one sentence each."""
