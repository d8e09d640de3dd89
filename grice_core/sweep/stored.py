"""Sweeps as the studio's database has them."""

from collections.abc import Iterable

from grice_core.recipes.load import read_stored
from grice_core.store.sweeps import MemberStanding
from grice_core.store.tables import JsonObject, Sweep
from grice_core.sweep.search import Entry, Member, Search, half_named
from grice_core.sweep.space import parse_varied


def search_document(search: Search) -> JsonObject:
    """What a search is besides its pipeline, as JSON."""
    return {
        "varied": [str(each) for each in search.varied],
        "num_trials": search.num_trials,
        "num_seeds": search.num_seeds,
        "minutes": search.minutes,
        "at_once": search.at_once,
    }


def search_of(sweep: Sweep) -> Search:
    """What a sweep searches.

    Raises:
        RecipeError, InputError: another version of the program submitted it.
    """
    return Search(
        recipe=read_stored(sweep.pipeline["recipe"], "the recipe"),
        seed=int(sweep.pipeline["seed"]),
        varied=tuple(map(parse_varied, sweep.search["varied"])),
        num_trials=int(sweep.search["num_trials"]),
        num_seeds=int(sweep.search["num_seeds"]),
        minutes=sweep.search["minutes"],
        at_once=int(sweep.search["at_once"]),
    )


def entries_of(standings: Iterable[MemberStanding]) -> list[Entry]:
    """What has become of a sweep's members so far."""
    found = (each.member for each in standings)
    return [
        Entry(
            Member(each.name, each.seed, half_named(each.half), each.params),
            each.rates,
            each.failure or "",
            each.seconds,
        )
        for each in found
    ]
