"""What a pipeline would take, measured where it would run."""

from grice_core.pipeline.estimate import estimate_pipeline
from grice_core.store.tables import JsonObject
from worker.jobs.context import JobContext
from worker.jobs.pipelines import config_of
from worker.spec import parse_pipeline


def estimate(context: JobContext) -> JsonObject:
    """Take a few steps and write a few answers; nothing is kept but what they took."""
    spec = parse_pipeline(context.run.spec)
    reporter = context.reporting.reporter(
        lambda task, done, total: (done, total) if task == "measured steps" else None
    )
    return estimate_pipeline(config_of(context, spec), reporter).document()
