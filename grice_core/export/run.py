"""Exporting a stage into a folder of its own, which is whole or not there."""

import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from grice_core.errors import OutputError
from grice_core.export.companions import write_companions
from grice_core.export.forms import check, compared, write_form
from grice_core.export.gguf import check_gguf
from grice_core.export.job import MANIFEST, Comparison, ExportJob
from grice_core.export.serving import MODELFILE, Serving, serving
from grice_core.files import atomic_folder, file_sha256, write_json_atomic, write_text_atomic
from grice_core.pipeline.card import later_sections, write_stage_card
from grice_core.pipeline.kept_answers import published_digests
from grice_core.progress import Reporter

_NUM_PARTS = 4
"""That progress counts: loaded, written, read back, described."""


@dataclass(frozen=True)
class Export:
    """A stage, exported."""

    folder: Path
    comparison: Comparison
    serving: Serving
    manifest: dict[str, Any]


def export_stage(job: ExportJob, device: torch.device, reporter: Reporter) -> Export:
    """Write a stage into the job's folder, read it back and compare it with the evaluated model.

    Raises: OutputError, if the folder holds something; InputError, ModelError, of the part that went wrong;
    InterruptedRunError. Nothing is written then.
    """
    check(job)
    if job.form == "gguf":
        check_gguf()
    check_is_free(job.out)
    done = partial(reporter.interruptible, f"{job.stage.name}: {job.form}", total=_NUM_PARTS)
    done(done=0)
    models = job.stage.models(device)
    probe = job.stage.probe(models)
    form = job.stage.format_of(models.after(None).tokenizer)
    done(done=1)
    with atomic_folder(job.out) as folder:
        reporter.say(f"{job.stage.name}: writing {job.form} ({job.dtype})")
        write_form(job, models, folder)
        done(done=2)
        comparison = compared(job, models, folder, probe)
        done(done=3)
        config = _adapter_config(folder)
        how = serving(job, form, config)
        card = (job.stage.final_model / "README.md").read_text(encoding="utf-8")
        later = f"{later_sections(card).rstrip()}\n\n{how.section()}".lstrip()
        write_stage_card(
            folder,
            job.stage.stages,
            job.shown_base,
            form,
            later,
            sampling=job.stage.recipe.evaluation,
            base_dtype=job.stage.base_dtype,
        )
        if how.modelfile is not None:
            write_text_atomic(folder / MODELFILE, how.modelfile)
        write_companions(job, folder, reporter)
        manifest = _manifest(job, folder, comparison)
        write_json_atomic(folder / MANIFEST, manifest)
    done(done=_NUM_PARTS)
    return Export(job.out, comparison, how, manifest)


def check_is_free(out: Path) -> None:
    """Raises: OutputError, if something is there."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is there already and holds something else: choose another --out")


def _adapter_config(folder: Path) -> dict[str, Any] | None:
    path = folder / "adapter_config.json"
    if not path.is_file():
        return None
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return config


def _manifest(job: ExportJob, folder: Path, comparison: Comparison) -> dict[str, Any]:
    """What it is an export of, and its files; without a path of this machine."""
    stage = job.stage
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "export": 1,
        "stage": stage.name,
        "form": job.form,
        "dtype": job.dtype,
        "recipe": stage.recipe.name,
        "seed": stage.record["seed"],
        "base": {
            "name": job.shown_base,
            "weights_sha256": stage.record["inputs"]["base"]["weights_sha256"],
        },
        "published": published_digests(stage.final_model),
        "comparison": asdict(comparison),
        "files": {path.relative_to(folder).as_posix(): file_sha256(path) for path in files},
    }
