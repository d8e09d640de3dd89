"""The forms of a stage: its adapter, the whole model, GGUF; written, then read back as others read them."""

import json
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, GenerationConfig

from grice_core.dpo.base import BaseModel, load_base
from grice_core.dpo.hub import loading_errors
from grice_core.dpo.policy import attach_saved
from grice_core.errors import InputError, ModelError
from grice_core.evaluation.generation import end_tokens
from grice_core.evaluation.sampling import options_elsewhere
from grice_core.export.choices import Form, check_dtype
from grice_core.export.gguf import convert
from grice_core.export.job import Comparison, ExportJob
from grice_core.kernels.stored import restore_weights
from grice_core.pipeline.probe import Probe
from grice_core.pipeline.published import StageModels

SHARE_OF_EFFECT = 0.25
"""Of what training changed: the most that weights rounded to fewer bits may be off by."""
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_WEIGHTS = "adapter_model.safetensors"
_CONFIG = "adapter_config.json"


def check(job: ExportJob) -> None:
    """Raises: InputError, if the form can't hold what is asked for."""
    if job.form == "adapter" and job.stage.is_whole:
        raise InputError(
            f"{job.stage.name} was published as a whole model, since no adapter for the plain base gives "
            "what was trained: export it as merged or gguf"
        )
    check_dtype(job.form, job.dtype)


def write_form(job: ExportJob, models: StageModels, folder: Path) -> None:
    """Write the stage into an empty folder.

    Raises: InputError, ModelError.
    """
    _WRITERS[job.form](job, models, folder)


def compared(job: ExportJob, models: StageModels, folder: Path, probe: Probe) -> Comparison:
    """Read back what `write_form` wrote.

    Raises: ModelError, if it is another model than the evaluated one.
    """
    gap, is_exact = _READERS[job.form](job, models, folder, probe)
    tolerance = probe.tolerance
    if job.dtype != "fp32":
        tolerance = max(tolerance, SHARE_OF_EFFECT * probe.effect)
    found = Comparison(len(probe.rows), gap, tolerance, probe.effect, is_exact)
    if not gap <= tolerance:
        advice = (
            "" if job.dtype == "fp32" else ": weights in fp32 keep it, fewer bits round it away"
        )
        raise ModelError(
            f"{job.stage.name} as {job.form} ({job.dtype}) is not the model that was evaluated; nothing was "
            f"written{advice} ({found.sentence()})"
        )
    return found


def _write_adapter(job: ExportJob, models: StageModels, folder: Path) -> None:  # noqa: ARG001
    source = job.stage.final_model
    shutil.copyfile(source / _WEIGHTS, folder / _WEIGHTS)
    config = json.loads((source / _CONFIG).read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = job.shown_base
    text = json.dumps(config, indent=2, sort_keys=True)
    (folder / _CONFIG).write_text(text + "\n", encoding="utf-8")


def _read_adapter(
    job: ExportJob, models: StageModels, folder: Path, probe: Probe
) -> tuple[float, bool]:
    source = job.stage.final_model / _WEIGHTS
    policy = attach_saved(models.after(None), folder)
    gap = probe.gap_to(policy.eval())
    policy.unload()
    return gap, (folder / _WEIGHTS).read_bytes() == source.read_bytes()


def _write_merged(job: ExportJob, models: StageModels, folder: Path) -> None:
    base = models.after(job.stage.name)
    models.forget()
    restore_weights(base.model)
    _say_how_it_was_sampled(job, base)
    base.model.to(_DTYPES[job.dtype]).save_pretrained(folder)
    base.tokenizer.save_pretrained(folder)


def _say_how_it_was_sampled(job: ExportJob, base: BaseModel) -> None:
    """In generation_config.json, which transformers and vLLM go by: where answers end, and the sampling."""
    form, sampling = job.stage.format_of(base.tokenizer), job.stage.recipe.evaluation
    own = base.model.generation_config
    # Whatever else the base's own says, a repetition penalty for one, was not so in the evaluation.
    base.model.generation_config = GenerationConfig(
        bos_token_id=own.bos_token_id,
        pad_token_id=own.pad_token_id,
        eos_token_id=sorted(end_tokens(base.model, base.tokenizer) | form.ends),
        do_sample=True,
        **options_elsewhere(sampling),
    )


def _read_merged(
    job: ExportJob,
    models: StageModels,
    folder: Path,
    probe: Probe,
) -> tuple[float, bool]:
    gap = probe.gap_to(load_base(str(folder), models.device).model)
    return gap, job.dtype == "fp32" and gap == 0


def gguf_name(job: ExportJob) -> str:
    """The file's name."""
    return f"{job.stage.name}-{job.dtype}.gguf"


def _write_gguf(job: ExportJob, models: StageModels, folder: Path) -> None:
    whole = folder / "merged"
    # Quantised by the converter from all bits, not from rounded ones.
    _write_merged(ExportJob(job.stage, "merged", job.out), models, whole)
    convert(whole, folder / gguf_name(job), job.dtype)
    shutil.rmtree(whole)


def _read_gguf(
    job: ExportJob,
    models: StageModels,
    folder: Path,
    probe: Probe,
) -> tuple[float, bool]:
    bars = redirect_stderr(StringIO())  # of transformers, which no setting of its own silences
    with bars, loading_errors("GGUF file", gguf_name(job)):
        model = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=gguf_name(job), dtype=torch.float32
        )
    gap = probe.gap_to(model.to(models.device).eval())
    return gap, job.dtype == "fp32" and gap == 0


_WRITERS: dict[Form, Callable[[ExportJob, StageModels, Path], None]] = {
    "adapter": _write_adapter,
    "merged": _write_merged,
    "gguf": _write_gguf,
}
_READERS: dict[Form, Callable[[ExportJob, StageModels, Path, Probe], tuple[float, bool]]] = {
    "adapter": _read_adapter,
    "merged": _read_merged,
    "gguf": _read_gguf,
}
