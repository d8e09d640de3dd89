"""A sweep in sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.app_pages.sweep.trials_table import value_of
from app.text.formatting import count_of
from grice_core.evaluation.numbers import percent
from grice_core.evaluation.violations import COOPERATIVE
from grice_core.store.states import SweepState
from grice_core.store.sweeps import MemberStanding
from grice_core.store.tables import Sweep
from grice_core.sweep.plan import is_out_of_time, trials_among
from grice_core.sweep.report import winner_lines
from grice_core.sweep.search import AS_IT_IS, Entry, Search
from grice_core.sweep.stored import entries_of


def standing(sweep: Sweep, search: Search, standings: Sequence[MemberStanding]) -> str:
    """How far it is, in one sentence with numbers."""
    entries = entries_of(standings)
    trials = trials_among(search, entries)
    ended = [each for each in trials if not each.is_under_way]
    failed = sum(bool(each.failure) for each in ended)
    parts = [f"{len(ended)} of {count_of(search.num_trials, 'trial')} ended"]
    if failed:
        parts.append(f"{failed} failed")
    if sweep.state is SweepState.RUNNING:
        parts += _under_way(search, entries, ended)
    best = max((_cooperative(each) for each in ended), default=None)
    if best is not None and sweep.result is None:
        parts.append(f"best so far {percent(best)} cooperative{_as_it_is(entries)}")
    return f"{sweep.state.capitalize()}: {' · '.join(parts)}"


def winner_sentences(document: Mapping[str, Any]) -> list[str]:
    """The winner with both figures: as searched, and as confirmed."""
    lines = winner_lines(document)
    settings = (each.partition("=") for each in document["winner"]["overrides"])
    short = ", ".join(f"{name} {value_of(f'={value}')}" for name, _, value in settings)
    first = f"Winner over {count_of(document['winner']['seeds'], 'seed')}: {short or 'the recipe as it is'}."
    return [first, *(line for line in lines[1:] if not line.startswith("What mattered"))]


def _under_way(search: Search, entries: Sequence[Entry], ended: Sequence[Entry]) -> list[str]:
    trials = trials_among(search, entries)
    if len(ended) < len(trials):
        return [f"{len(trials) - len(ended)} under way"]
    if any(each.member.half == "confirmation" for each in entries):
        return ["confirming the winner on the other half of the prompts"]
    is_over = is_out_of_time(search, entries) or len(ended) >= search.num_trials
    if is_over and search.num_seeds > 1:
        return ["repeating the best with other seeds"]
    return ["the recipe as it is comes first"] if not trials else []


def _cooperative(entry: Entry) -> float:
    return 0.0 if entry.rates is None else entry.rates[COOPERATIVE]["rate"]


def _as_it_is(entries: Sequence[Entry]) -> str:
    for each in entries:
        if each.member.name == AS_IT_IS and each.rates is not None:
            return f", the recipe as it is {percent(_cooperative(each))}"
    return ""
