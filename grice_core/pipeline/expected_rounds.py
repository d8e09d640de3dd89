"""What stages that take their pairs from the model would ask and train on, before there is such a pair."""

from dataclasses import replace

import numpy as np

from grice_core.data.leakage import distinct
from grice_core.data.pairs import BoolArray, IntArray
from grice_core.data.split import holdout_mask
from grice_core.pipeline.inputs import PipelineInputs
from grice_core.pipeline.stage_job import StageJob
from grice_core.recipes.config import Recipe
from grice_core.recipes.plan import capped
from grice_core.rounds.series import rounds_before


def expected_job(
    job: StageJob, number: int, recipe: Recipe, inputs: PipelineInputs
) -> tuple[StageJob, int]:
    """A stage, counted from 0, and how many answers it samples.

    If its pairs are not there yet, it gets one of the data's for every prompt, so that it takes at most as long.
    """
    if not job.planned.awaits_pairs:
        return job, 0
    settings, earlier = job.config.own_samples, rounds_before(recipe, number)
    held_out = holdout_mask(inputs.table.prompts, recipe.holdout_share, job.seed)
    training = _first_pairs(inputs, ~(held_out | inputs.leaks | inputs.evaluated))
    training = training[: settings.num_prompts]
    watched = _first_pairs(inputs, held_out & ~inputs.evaluated)
    # The model before the first round is asked the held-out prompts too.
    num_prompts = len(training) + len(watched) * (1 if earlier else 2)
    planned = replace(
        job.planned, train_indices=training, heldout_indices=watched, awaits_pairs=False
    )
    cap = job.config.max_steps
    if cap is not None:
        planned = capped(planned, max(cap - len(earlier) * planned.num_steps, 0))
    return replace(job, planned=planned), settings.k * num_prompts


def _first_pairs(inputs: PipelineInputs, wanted: BoolArray) -> IntArray:
    """The first pair of each distinct prompt among these, ascending."""
    places = np.flatnonzero(wanted)
    prompts = inputs.table.prompts
    return places[distinct(prompts[place] for place in places)]
