"""Stages written for other programs as runs, and kept for download."""

import shutil

from grice_core.export.job import ExportJob
from grice_core.export.run import export_stage
from grice_core.export.stage import TrainedStage
from grice_core.kernels.precision import resolve_device
from grice_core.store.model_exports import EXPORTED
from grice_core.store.tables import JsonObject
from worker.jobs.context import JobContext
from worker.spec import parse_export_model


def export_model(context: JobContext) -> JsonObject:
    """Write a stage, read it back and keep it; an attempt after a kill begins anew."""
    spec = parse_export_model(context.run.spec)
    output = context.workspace.path / "output"
    if not output.exists():
        context.artifacts.fetch_folder(spec.output, output)
    made = context.workspace.path / "made"
    shutil.rmtree(made, ignore_errors=True)  # by an attempt before this one, whole or not
    made.mkdir()
    job = ExportJob(
        TrainedStage.open(output / spec.stage),
        spec.form,
        made / "model",
        spec.dtype,
        is_shared=True,
    )
    reporter = context.reporting.reporter(lambda _, done, total: (done, total))
    done = export_stage(job, resolve_device(context.device), reporter)
    context.keep(EXPORTED, done.folder)
    files = [path for path in done.folder.rglob("*") if path.is_file()]
    return {
        "size_bytes": sum(path.stat().st_size for path in files),
        "num_files": len(files),
        "comparison": done.comparison.sentence(),
        "serve": list(done.serving.commands),
    }
