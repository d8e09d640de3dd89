"""What a stage that takes its pairs from the model would ask and train on, before there is such a pair."""

from dataclasses import dataclass, replace

import numpy as np

from grice_core.data.leakage import distinct
from grice_core.data.pairs import BoolArray, IntArray, PairTable
from grice_core.data.split import holdout_mask
from grice_core.recipes.config import Recipe
from grice_core.recipes.plan import PlannedStage, capped
from grice_core.rounds.series import rounds_before


@dataclass(frozen=True, eq=False)
class ExpectedRound:
    """At most so much: rounds may end earlier, and not every prompt yields a pair."""

    planned: PlannedStage
    """With one of the data's pairs for every prompt in place of those that will be sampled."""
    num_sampled: int
    """Answers to training prompts."""
    num_asked: int
    """Answers to held-out prompts, before and after the round."""

    @property
    def num_answers(self) -> int:
        return self.num_sampled + self.num_asked


def expected_round(
    planned: PlannedStage,
    number: int,
    recipe: Recipe,
    table: PairTable,
    seed: int,
    leaks: BoolArray,
    evaluated: BoolArray,
) -> ExpectedRound:
    """What a stage of the recipe, counted from 0, would take.

    Args:
        leaks: (N,) pairs left out of training since their prompt is also evaluated.
        evaluated: (N,) pairs whose prompt is evaluated.
    """
    settings, earlier = planned.config.own_samples, rounds_before(recipe, number)
    held_out = holdout_mask(table.prompts, recipe.holdout_share, seed)
    training = _first_pairs(table, ~(held_out | leaks | evaluated))[: settings.num_prompts]
    watched = _first_pairs(table, held_out & ~evaluated)
    found = replace(planned, train_indices=training, heldout_indices=watched, awaits_pairs=False)
    cap = planned.config.max_steps
    if cap is not None:
        found = capped(found, max(cap - len(earlier) * found.num_steps, 0))
    # The model before the first round is asked the held-out prompts too.
    times_asked = 1 if earlier else 2
    return ExpectedRound(found, settings.k * len(training), settings.k * len(watched) * times_asked)


def _first_pairs(table: PairTable, wanted: BoolArray) -> IntArray:
    """The first pair of each distinct prompt among these, ascending."""
    places = np.flatnonzero(wanted)
    prompts = table.prompts
    return places[distinct(prompts[place] for place in places)]
