"""What a search takes, counted by hand; and ranges to begin with."""

import pytest

from grice_core.recipes.load import builtin_names, load_recipe
from grice_core.sweep.cost import Times, times
from grice_core.sweep.search import Search
from grice_core.sweep.space import checked, parse_varied
from grice_core.sweep.suggest import suggested

RECIPE = load_recipe("content-then-manner")


def search(*varied: str, num_trials: int = 8, num_seeds: int = 3) -> Search:
    return Search(RECIPE, tuple(map(parse_varied, varied)), 0, num_trials, num_seeds)


def test_stages_before_the_first_that_differs_are_trained_once_per_seed() -> None:
    """8 trials, and 2 finalists with 2 further seeds: 12 recipes besides the one as it is."""
    assert times(search("stage2.beta=0.1..0.2")) == Times(
        pipelines=3 + 12 + 6, trained=(3, 3 + 12), asked=(6, 6, 6 + 12 + 3)
    )
    both = times(search("stage2.beta=0.1..0.2", "stage1.epochs=1..2"))
    assert both.trained == (15, 15)
    assert both.asked == (6, 21, 21)


def test_with_one_trial_and_one_seed_nothing_is_repeated() -> None:
    alone = times(search("holdout_share=0.1..0.2", num_trials=1, num_seeds=1))
    assert alone == Times(pipelines=1 + 1 + 2, trained=(2, 2), asked=(2, 4, 4))


@pytest.mark.parametrize("name", builtin_names())
def test_whatever_is_suggested_is_taken_by_the_recipe(name: str) -> None:
    recipe = load_recipe(name)
    found = suggested(recipe)
    last = recipe.stages[-1].name
    assert next(iter(found)).startswith(f"{last}.")
    checked([*found.values()], Search(recipe, ()).changed)
    assert [parse_varied(str(each)) for each in found.values()] == [*found.values()]
