"""What a search came to, as plain data and in a table."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from grice_core.evaluation.numbers import percent, percent_interval, points, points_interval
from grice_core.evaluation.paired import paired_changes
from grice_core.evaluation.rates import model_rates
from grice_core.evaluation.verdict import judge
from grice_core.evaluation.violations import COOPERATIVE, MEASURES, EvaluatedModel
from grice_core.files import write_json_atomic
from grice_core.sweep.run import AS_IT_IS, Candidate, SweepResult

if TYPE_CHECKING:
    from rich.console import RenderableType

SWEEP_FILE = "sweep.json"


def write_sweep(result: SweepResult) -> None:
    """Write `sweep.json`."""
    write_json_atomic(result.folder / SWEEP_FILE, sweep_document(result))


def sweep_document(result: SweepResult) -> dict[str, Any]:
    """All figures; rates and differences are fractions."""
    as_it_is, winner = result.confirmed[0], result.confirmed[-1]
    changes = paired_changes(as_it_is[-1], winner[-1]) if len(result.confirmed) > 1 else {}
    return {
        "prompts": dict(zip(("searched", "confirmed"), result.num_prompts, strict=True)),
        "candidates": [
            {
                "name": each.name,
                "overrides": list(each.overrides),
                "on_front": each.name in result.front,
                **({"failure": each.failure} if each.failure else {"rates": _rates(each.final)}),
            }
            for each in result.candidates
        ],
        "importances": result.importances,
        "winner": {
            "name": result.winner.name,
            "overrides": list(result.winner.overrides),
            "seeds": result.winner.num_seeds,
            "searched": _rates(result.winner.final),
            "confirmed": _rates(winner[-1]),
            "confirmed_as_it_is": _rates(as_it_is[-1]),
            "changes": {name: asdict(change) for name, change in changes.items()},
            "verdict": judge(winner, result.winner.recipe.evaluation).sentence,
        },
    }


def render_sweep(result: SweepResult) -> "RenderableType":
    """A row per recipe, then the winner on both halves of the prompts."""
    from rich.console import Group

    return Group(_trials_table(result), "", *_winner_lines(result))


def _trials_table(result: SweepResult) -> "RenderableType":
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("", "settings", *MEASURES):
        table.add_column(heading, justify="left" if heading in ("", "settings") else "right")
    for each in sorted(result.candidates, key=_by_rate):
        mark = "*" if each.name in result.front else " "
        settings = "\n".join(each.overrides) or "the recipe as it is"
        cells = [each.failure, *[""] * (len(MEASURES) - 1)] if each.failure else _cells(each.final)
        name = "" if each.name == AS_IT_IS else each.name
        table.add_row(f"{mark} {name}", settings, *cells)
    table.caption = (
        f"Violation rates and cooperative rate after the last stage, on {result.num_prompts[0]:,} prompts. "
        "*: no other recipe is better on one maxim without being worse on another"
    )
    return table


def _winner_lines(result: SweepResult) -> list[str]:
    winner = result.winner
    what = ", ".join(winner.overrides) or "the recipe as it is"
    searched, confirmed = (
        model_rates(model)[COOPERATIVE] for model in (winner.final, result.confirmed[-1][-1])
    )
    lines = [
        f"Winner over {winner.num_seeds} seeds: {what}",
        f"Cooperative {percent(searched.rate)} [{percent_interval(searched.interval)}] on the prompts that it "
        f"was chosen by, {percent(confirmed.rate)} [{percent_interval(confirmed.interval)}] on "
        f"{result.num_prompts[1]:,} others: believe the second.",
    ]
    if len(result.confirmed) > 1:
        as_it_is, best = result.confirmed[0][-1], result.confirmed[-1][-1]
        change = paired_changes(as_it_is, best)[COOPERATIVE]
        lines.append(
            f"Against the recipe as it is, on those: {points(change.change)} "
            f"[{points_interval(change.interval)}] points."
        )
    lines.append(judge(result.confirmed[-1], winner.recipe.evaluation).sentence)
    if result.importances:
        told = (f"{name} {percent(share)}" for name, share in result.importances.items())
        lines.append(f"What mattered for the cooperative rate: {', '.join(told)}.")
    return lines


def _by_rate(candidate: Candidate) -> tuple[bool, float]:
    if candidate.failure:
        return True, 0.0
    return False, -candidate.final.rates[COOPERATIVE]


def _cells(model: EvaluatedModel) -> list[str]:
    rates = model_rates(model)
    return [percent(rates[measure].rate) for measure in MEASURES]


def _rates(model: EvaluatedModel) -> dict[str, Any]:
    return {
        measure: {"rate": rate.rate, "low": rate.interval.low, "high": rate.interval.high}
        for measure, rate in model_rates(model).items()
    }
