"""What a search takes, in pipelines and in what each of them has to do that none did before."""

from dataclasses import dataclass

from grice_core.sweep.plan import NUM_FINALISTS
from grice_core.sweep.search import Search


@dataclass(frozen=True)
class Times:
    """How often each part is done, if all trials are made and everything that is the same is shared."""

    pipelines: int
    trained: tuple[int, ...]
    """By stage."""
    asked: tuple[int, ...]
    """Of half of the prompts: the baseline, then after each stage."""


def times(search: Search) -> Times:
    """How often each part is done."""
    num_stages = len(search.recipe.stages)
    first = first_varied(search)
    finalists = min(NUM_FINALISTS, search.num_trials)
    tried = search.num_trials + finalists * (search.num_seeds - 1)
    as_it_is = search.num_seeds
    return Times(
        pipelines=as_it_is + tried + 2 * search.num_seeds,
        trained=tuple(as_it_is + (tried if stage >= first else 0) for stage in range(num_stages)),
        # Both halves of the recipe as it is; all that were tried, and the winner's other half.
        asked=tuple(
            2 * as_it_is + (tried + search.num_seeds if model > first else 0)
            for model in range(num_stages + 1)
        ),
    )


def first_varied(search: Search) -> int:
    """Place of the first stage that differs between trials; all before it are trained once per seed."""
    places = {stage.name: place for place, stage in enumerate(search.recipe.stages)}
    # A setting of no stage may change all of them.
    return min((places.get(each.name.partition(".")[0], 0) for each in search.varied), default=0)
