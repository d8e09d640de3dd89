"""Pairs of a model's own answers, sampled outside a pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grice_core.chat.choice import FormatChoice
from grice_core.data.load import Prompts
from grice_core.detector.judge import Detector
from grice_core.dpo.reference import weights_hash
from grice_core.errors import InputError
from grice_core.evaluation.selection import select_prompts
from grice_core.kept import Kept, NothingKept
from grice_core.kernels.precision import (
    Precision,
    resolve_base_dtype,
    resolve_device,
    resolve_precision,
)
from grice_core.pipeline.options import BaseDtype
from grice_core.pipeline.output import OutputFolder, stages_that_count
from grice_core.pipeline.own_answers import AskedHow, Sampler, sampling_of
from grice_core.pipeline.published import StageModels
from grice_core.progress import Reporter
from grice_core.recipes.config import EvaluationConfig, MaximWeights, PromptFormatName
from grice_core.recipes.samples import SampleSettings
from grice_core.rounds.own_pairs import OwnPairs, own_pairs
from grice_core.rounds.provenance import Origin, name_of_model


@dataclass(frozen=True)
class AskedModel:
    """The model that is asked."""

    base: str
    """Hub id or folder."""
    output: OutputFolder | None = None
    """Of the pipeline that trained it; None: the plain base is asked."""
    stages: tuple[str, ...] = ()
    """Of that pipeline, the last of them the one that is asked."""
    base_dtype: BaseDtype = "auto"
    prompt_format: PromptFormatName = "auto"
    rendered_at: str | None = None
    """The date that its chat template was given, if it writes one."""

    @classmethod
    def of_pipeline(cls, folder: Path, stage: str | None = None) -> "AskedModel":
        """The model after a stage of a pipeline, else after its last one that counts.

        Raises: InputError.
        """
        output = OutputFolder(folder)
        record = output.read_run()
        if record is None or not record.get("stages"):
            raise InputError(f"{folder} holds no trained stage: name the --out of `grice pipeline`")
        names = stages_that_count(record)
        if stage is not None and stage not in names:
            raise InputError(f"{folder} has no stage {stage!r}; it has {', '.join(names)}")
        base, form = record["inputs"]["base"], record.get("prompt_format", {})
        return cls(
            base["name"],
            output,
            tuple(names if stage is None else names[: names.index(stage) + 1]),
            base.get("dtype", "fp32"),
            form.get("choice", "auto"),
            form.get("rendered_at"),
        )


@dataclass(frozen=True, eq=False)
class SampleRequest:
    """What to sample."""

    model: AskedModel
    prompts: Prompts
    without: Sequence[str]
    """Prompts that are not asked, such as those of an evaluation."""
    detector: Detector
    settings: SampleSettings
    weights: MaximWeights
    """Of the maxims that decide which answer is best."""
    journal: Path
    """Keeps what is done, so that the same call continues after a crash; deleted by who has stored the result."""
    seed: int = 0
    device: str = "auto"
    precision: Precision = "auto"


def sample_pairs(request: SampleRequest, reporter: Reporter, kept: Kept | None = None) -> OwnPairs:
    """Ask, judge, and pair the best answer to each prompt with the worst.

    Raises: DataError, ModelError, OutputError, InterruptedRunError.
    """
    model, settings = request.model, request.settings
    device = resolve_device(request.device)
    dtype = resolve_precision(request.precision, device)
    output = model.output or OutputFolder(request.journal.parent)
    models = StageModels(
        model.base,
        device,
        output,
        resolve_base_dtype(model.base_dtype, dtype, sharded=False),
        may_fall_back=model.base_dtype == "auto",
    )
    selection = select_prompts(
        request.prompts,
        request.without,
        policy="drop-eval",
        num_prompts=settings.num_prompts or max(len(request.prompts.prompts), 1),
        seed=request.seed,
    )
    reporter.say(f"{len(selection.prompts):,} prompts × {settings.k} answers")
    choice = FormatChoice.at(model.prompt_format, model.rendered_at)
    how = AskedHow(dtype, choice, None, kept or NothingKept(), reporter)
    sampler = Sampler(models, output, request.detector, None, how)
    sampling = sampling_of(settings, EvaluationConfig(), request.seed)
    stage = model.stages[-1] if model.stages else None
    sampled = sampler.sample(stage, selection, sampling, request.journal)
    base = models.after(stage)
    origin = Origin(
        name_of_model(base.name, model.stages),
        weights_hash(base.model),
        request.detector.record.fingerprint,
    )
    return own_pairs(sampled, request.weights.as_array(), settings, origin)
