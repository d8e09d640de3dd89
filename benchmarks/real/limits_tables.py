"""The limits as people read them."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.real.ceiling import Ceiling, Share
from benchmarks.real.limits import TRAINED_AGAINST, Limits
from benchmarks.real.reach import Power, Reach
from grice_core.evaluation.numbers import percent, percent_interval

Row = tuple[str, ...]


def show(console: Console, limits: Limits) -> None:
    """Tables, by judge where judges differ."""
    ceilings, reaches = limits.ceiling, limits.reach
    asked = f"{limits.num_prompts:,} prompts"
    _print(console, "Ceiling: called cooperative", list(ceilings), _ceiling_rows(limits))
    _print(
        console,
        "The same by one threshold for every maxim, that which tells the held-out texts apart best",
        list(ceilings),
        _lax_rows(limits),
    )
    _print(
        console,
        f"Reach: {asked} × {limits.num_answers} answers of the base, of which {percent(limits.unfinished)} don't end",
        list(reaches),
        _reach_rows(list(reaches.values())),
    )
    _print(
        console,
        f"Power: {asked}, an answer to each, by the {TRAINED_AGAINST}",
        ["answers differ", "smallest change found", "prompts that would do"],
        [(measure, *_power_cells(power)) for measure, power in limits.power.items()],
    )
    console.print(
        "answers differ: two answers of the base to the same prompt. Smallest change found: with 80 % power, in points.\n"
        f"Prompts that would do: to see that a model that changes nothing is not worse by {100 * limits.max_regression:g} points.",
        style="dim",
    )


def _print(console: Console, title: str, heads: Sequence[str], rows: Sequence[Row]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(title, style="bold")
    console.print(table)
    console.print()


def _ceiling_rows(limits: Limits) -> list[Row]:
    ceilings, minimum = list(limits.ceiling.values()), limits.min_cooperative
    return [
        ("held-out texts without a violation", *(_share(one.cooperative) for one in ceilings)),
        (
            "such texts that it was trained on",
            *(
                "not known" if one.trained_on is None else _share(one.trained_on)
                for one in ceilings
            ),
        ),
        ("held-out texts with one", *(_share(one.violating) for one in ceilings)),
        ("the data's chosen responses", *(_share(one.chosen) for one in ceilings)),
        ("the data's rejected responses", *(_share(one.rejected) for one in ceilings)),
        *(
            (
                f"{percent(rate)} by the judge, corrected",
                *(_corrected(one, rate, limits.num_prompts) for one in ceilings),
            )
            for rate in (minimum, 1.0)
        ),
    ]


def _lax_rows(limits: Limits) -> list[Row]:
    found = [one.one_threshold for one in limits.ceiling.values()]
    base = [reach.single_at_one_threshold for reach in limits.reach.values()]
    return [
        ("threshold", *(f"{one.value:.2f}" for one in found)),
        ("held-out texts without a violation", *(_share(one.cooperative) for one in found)),
        ("held-out texts with one", *(_share(one.violating) for one in found)),
        ("the base's answers", *(percent(rate) for rate in base if rate is not None)),
        (
            "AUROC at any threshold",
            *(
                f"{one.auroc:.2f} [{one.auroc_interval.low:.2f}, {one.auroc_interval.high:.2f}]"
                for one in found
            ),
        ),
    ]


def _corrected(ceiling: Ceiling, rate: float, num_answers: int) -> str:
    found = ceiling.corrected(rate, num_answers)
    if found is None:
        return "says too little"
    return f"{percent(found.value)} {percent_interval(found.interval)}"


def _reach_rows(reaches: Sequence[Reach]) -> list[Row]:
    sizes = list(reaches[0].any_of)
    largest = sizes[-1]
    return [
        (
            "an answer",
            *(f"{percent(one.single)} {percent_interval(one.single_interval)}" for one in reaches),
        ),
        *(
            (f"a finished one of {size}", *(percent(one.any_of[size]) for one in reaches))
            for size in sizes[1:-1]
        ),
        (
            f"a finished one of {largest}",
            *(
                f"{percent(one.any_of[largest])} {percent_interval(one.any_interval)}"
                for one in reaches
            ),
        ),
        (f"the {TRAINED_AGAINST}'s best of {largest}", *(_share(one.best) for one in reaches)),
    ]


def _power_cells(power: Power) -> Row:
    return (
        percent(power.discordance),
        "none" if power.detectable is None else f"{100 * power.detectable:.1f}",
        "too many" if power.prompts_needed is None else f"{power.prompts_needed:,}",
    )


def _share(share: Share) -> str:
    return f"{share.count} of {share.of}, {percent(share.rate)} {percent_interval(share.interval)}"
