"""A trained stage of an output folder: which files it has, and the model that was evaluated."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import torch

from grice_core.chat.choice import FormatChoice
from grice_core.chat.format import PromptFormat
from grice_core.dpo.base import BaseModel
from grice_core.dpo.encode import Ids
from grice_core.dpo.reference import weights_hash
from grice_core.errors import InputError, ModelError
from grice_core.evaluation.results import GENERATIONS_FILE
from grice_core.kernels.precision import resolve_base_dtype
from grice_core.pipeline.options import BaseDtype
from grice_core.pipeline.output import OutputFolder, is_whole_model, stages_that_count
from grice_core.pipeline.probe import Probe, log_probabilities
from grice_core.pipeline.published import StageModels
from grice_core.recipes.config import Recipe, StageConfig
from grice_core.recipes.load import read_stored

_NUM_ROWS = 4
_MAX_TOKENS = 128
"""Of a row that two forms of a model are compared on."""
_ANY_TEXTS = ("Where do cats sleep?\nThey sleep in the sun.", "Say it briefly.")
"""Read where a pipeline has no answers yet."""


@dataclass(frozen=True)
class TrainedStage:
    """One stage of a pipeline, trained and published."""

    output: OutputFolder
    name: str
    record: dict[str, Any]
    """The content of run.json."""
    base: str
    """Hub id or folder of the base, on this machine."""

    @classmethod
    def open(cls, where: Path, base: str | None = None) -> Self:
        """The stage OUT/NAME, or the last one of OUT that counts.

        Args:
            where: A stage's folder, or a pipeline's output folder.
            base: Where the base is, if not where it was.

        Raises: InputError, if there is no such stage.
        """
        output, name = OutputFolder(where), ""
        if not output.run.is_file():
            output, name = OutputFolder(where.absolute().parent), where.name
        record = output.read_run()
        if record is None:
            raise InputError(
                f"{where} is no trained stage: name one as OUT/stage1, where OUT is the --out folder of a "
                "pipeline, or as studio:NUMBER/stage1"
            )
        trained = [stage["name"] for stage in record.get("stages", [])]
        if not trained or (name and name not in trained):
            has = f"it has {', '.join(trained)}" if trained else "no stage is trained yet"
            raise InputError(f"{output.path} has no trained stage {name or 'at all'}: {has}")
        name = name or (stages_that_count(record) or trained)[-1]
        return cls(output, name, record, base or record["inputs"]["base"]["name"])

    @property
    def final_model(self) -> Path:
        """What it published."""
        return self.output.stage(self.name).final_model

    @property
    def is_whole(self) -> bool:
        """Whether that is a model, not an adapter."""
        return is_whole_model(self.final_model)

    @cached_property
    def recipe(self) -> Recipe:
        return read_stored(self.record["recipe"], str(self.output.run))

    @property
    def stages(self) -> tuple[StageConfig, ...]:
        """It and those before it."""
        names = [stage.name for stage in self.recipe.stages]
        return tuple(self.recipe.stages[: names.index(self.name) + 1])

    @property
    def base_dtype(self) -> BaseDtype:
        """In which the base's weights were held."""
        dtype: BaseDtype = self.record["inputs"]["base"].get("dtype", "fp32")
        return dtype

    def format_of(self, tokenizer: Any) -> PromptFormat:
        """How it was trained to be asked."""
        rendered_at = self.record.get("prompt_format", {}).get("rendered_at")
        return FormatChoice.at(self.recipe.prompt_format, rendered_at).of(tokenizer)

    def models(self, device: torch.device) -> StageModels:
        """The plain base, which is the one that was trained on, and the stages' models.

        Raises: ModelError, if the base is missing or another one.
        """
        dtype = resolve_base_dtype(self.base_dtype, torch.float32)
        models = StageModels(self.base, device, self.output, dtype)
        if (
            weights_hash(models.after(None).model)
            != self.record["inputs"]["base"]["weights_sha256"]
        ):
            raise ModelError(
                f"{self.base} is not the base that {self.name} was trained on: its weights have another "
                "SHA-256 than run.json says. Name the right one with --base"
            )
        return models

    def probe(self, models: StageModels) -> Probe:
        """What the evaluated model says about its own answers, beside the plain base."""
        base = models.after(None)
        rows = self._rows(base)
        before = log_probabilities(base.model, rows)
        return Probe.between(rows, log_probabilities(models.after(self.name).model, rows), before)

    def _rows(self, base: BaseModel) -> tuple[Ids, ...]:
        limit = min(_MAX_TOKENS, base.max_positions or _MAX_TOKENS)
        encoded = (base.tokenizer(text)["input_ids"][:limit] for text in self._texts())
        return tuple(tuple(ids) for ids in encoded)

    def _texts(self) -> list[str]:
        """Prompts with the stage's first answers to them."""
        try:
            lines = (self.output.path / GENERATIONS_FILE).read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return list(_ANY_TEXTS)
        answers = [json.loads(line) for line in lines if line]
        own = [one for one in answers if one["model"] == self.name]
        return [f"{one['prompt']}\n{one['response']}" for one in own[:_NUM_ROWS]] or [*_ANY_TEXTS]
