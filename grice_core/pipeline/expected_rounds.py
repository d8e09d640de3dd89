"""Stages whose pairs the model has yet to write, as jobs that take at most as long."""

from dataclasses import replace

from grice_core.pipeline.inputs import PipelineInputs
from grice_core.pipeline.stage_job import StageJob
from grice_core.recipes.config import Recipe
from grice_core.rounds.expected import ExpectedRound, expected_round


def expected_job(
    job: StageJob, number: int, recipe: Recipe, inputs: PipelineInputs
) -> tuple[StageJob, ExpectedRound | None]:
    """A stage, counted from 0, and what it asks of the model; None: nothing.

    If its pairs are not there yet, it gets one of the data's for every prompt.
    """
    if not job.planned.awaits_pairs:
        return job, None
    found = expected_round(
        job.planned, number, recipe, inputs.table, job.seed, inputs.leaks, inputs.evaluated
    )
    return replace(job, planned=found.planned), found
