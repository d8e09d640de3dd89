"""What a search came to, in a table."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.numbers import percent, percent_interval, points, points_interval
from grice_core.evaluation.violations import COOPERATIVE, MEASURES
from grice_core.sweep.search import AS_IT_IS

if TYPE_CHECKING:
    from rich.console import RenderableType

AS_IT_IS_WORDS = "the recipe as it is"


def render_sweep(document: Mapping[str, Any]) -> "RenderableType":
    """A row per recipe, then the winner on both halves of the prompts.

    Args:
        document: as `sweep_document` makes it.
    """
    from rich.console import Group

    return Group(render_trials(document["candidates"]), "", *winner_lines(document))


def render_trials(candidates: Iterable[Mapping[str, Any]]) -> "RenderableType":
    """A row per recipe, the most cooperative first."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("", "settings", *MEASURES):
        table.add_column(
            heading, justify="left" if heading in ("", "settings") else "right", overflow="fold"
        )
    for each in sorted(candidates, key=_by_rate):
        mark = "*" if each["on_front"] else " "
        settings = "\n".join(each["overrides"]) or AS_IT_IS_WORDS
        name = "" if each["name"] == AS_IT_IS else each["name"]
        table.add_row(f"{mark} {name}", settings, *_cells(each))
    table.caption = (
        "Violation rates and cooperative rate after the last stage, on the prompts of the search. "
        "*: no other recipe is better on one maxim without being worse on another"
    )
    return table


def winner_lines(document: Mapping[str, Any]) -> list[str]:
    """The winner: what it was chosen by, what to believe, and what that means."""
    winner = document["winner"]
    lines = [
        f"Winner over {winner['seeds']} seeds: {', '.join(winner['overrides']) or AS_IT_IS_WORDS}",
        f"Cooperative {_with_interval(winner['searched'])} on the {document['prompts']['searched']:,} prompts "
        f"that it was chosen by, {_with_interval(winner['confirmed'])} on "
        f"{document['prompts']['confirmed']:,} others: believe the second.",
    ]
    if change := winner["changes"].get(COOPERATIVE):
        lines.append(
            f"Against the recipe as it is, on those: {points(change['change'])} "
            f"{points_interval(Interval(**change['interval']))} points."
        )
    lines.append(winner["verdict"])
    if importances := document["importances"]:
        shares = (f"{name} {percent(share)}" for name, share in importances.items())
        lines.append(f"What mattered for the cooperative rate: {', '.join(shares)}.")
    return lines


def _by_rate(candidate: Mapping[str, Any]) -> tuple[bool, float]:
    rates = candidate.get("rates")
    return rates is None, -rates[COOPERATIVE]["rate"] if rates else 0.0


def _cells(candidate: Mapping[str, Any]) -> list[str]:
    rates = candidate.get("rates")
    if rates is None:
        return [candidate.get("failure") or "under way", *[""] * (len(MEASURES) - 1)]
    return [percent(rates[measure]["rate"]) for measure in MEASURES]


def _with_interval(rates: Mapping[str, Mapping[str, float]]) -> str:
    rate = rates[COOPERATIVE]
    return f"{percent(rate['rate'])} {percent_interval(Interval(rate['low'], rate['high']))}"
