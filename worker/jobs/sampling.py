"""A share of a round's answers, written for the run that trains the round."""

from grice_core.pipeline.rounds import write_share_of_round
from grice_core.store.tables import JsonObject
from worker.jobs.context import JobContext
from worker.jobs.pipelines import parts_of
from worker.roles import ANSWERS
from worker.spec import parse_pipeline, parse_sample


def sample(context: JobContext) -> JsonObject:
    """Write a share; what an attempt before has written is taken over."""
    spec = parse_sample(context.run.spec)
    out = context.workspace.out
    if not out.exists():
        context.artifacts.fetch_folder(spec.output, out)
    reporter = context.reporting.reporter(
        lambda task, done, total: (done, total) if "generate" in task else None
    )
    parts = parts_of(context, parse_pipeline(spec.pipeline), reporter)
    journal = context.workspace.state / "answers"
    job = parts.round_job(spec.stage)
    num_answers = write_share_of_round(job, (spec.share, spec.count), journal)
    context.keep_file(ANSWERS, journal)
    return {"num_answers": num_answers}
