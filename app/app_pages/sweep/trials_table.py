"""The trials of a sweep, the most cooperative first."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.ui.number_table import Cell, number_table
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.numbers import percent, percent_interval
from grice_core.evaluation.violations import COOPERATIVE
from grice_core.maxims import MAXIMS
from grice_core.sweep.search import AS_IT_IS, Search
from grice_core.sweep.space import value_in

CandidateDocument = Mapping[str, Any]
"""As `grice_core.sweep.result.candidate_documents` has them."""


def trials_table(search: Search, candidates: Sequence[CandidateDocument], key: str) -> None:
    """Show a row per recipe: its settings, its rates with their intervals."""
    names = [each.name for each in search.varied]
    titles = ("", *names, COOPERATIVE, *map(str, MAXIMS))
    as_it_is = {name: value_of(f"={value_in(search.recipe, name)}") for name in names}
    rows = [_row(each, names, as_it_is) for each in sorted(candidates, key=_by_rate)]
    number_table(titles, rows, key=key)


def title_of(candidate: CandidateDocument) -> str:
    """What a trial is called."""
    if candidate["name"] == AS_IT_IS:
        return "recipe as it is"
    return f"trial {int(candidate['name'])}"


def value_of(override: str) -> str:
    """A setting's value as it is read: few digits."""
    value = override.partition("=")[2]
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value


def _row(
    candidate: CandidateDocument, names: Sequence[str], as_it_is: Mapping[str, str]
) -> list[Cell]:
    settings = {each.partition("=")[0]: value_of(each) for each in candidate["overrides"]}
    star = " ★" if candidate["on_front"] else ""
    head = Cell(f"{title_of(candidate)}{star}", wraps=True)
    of_settings = [
        Cell(settings[name]) if settings else Cell(as_it_is[name] or "–", tone="dim")
        for name in names
    ]
    return [head, *of_settings, *_rates(candidate)]


def _rates(candidate: CandidateDocument) -> list[Cell]:
    rates = candidate.get("rates")
    if rates is None:
        said = "failed" if candidate.get("failure") else "under way"
        return [Cell(said, tone="bad" if said == "failed" else "dim"), *[Cell("–")] * len(MAXIMS)]
    found = (rates[measure] for measure in (COOPERATIVE, *map(str, MAXIMS)))
    return [
        Cell(percent(each["rate"]), percent_interval(Interval(each["low"], each["high"])))
        for each in found
    ]


def _by_rate(candidate: CandidateDocument) -> tuple[bool, float]:
    rates = candidate.get("rates")
    return rates is None, -rates[COOPERATIVE]["rate"] if rates else 0.0
