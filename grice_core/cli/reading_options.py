"""Options that say how a file is read where its fields don't: `--layout`, `--map`, `--scale`, `--eval-map`."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from grice_core.data.layouts.opening import Reading

LayoutName = Annotated[
    str | None,
    typer.Option(
        "--layout",
        help="What the file of pairs is, where its fields don't show it: openai-preference, alpaca …",
    ),
]
Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="TARGET=FIELD",
        help="Where things stand in the file: prompt=instruction,chosen=output.0,rejected=output.1; also "
        "system, tools, chosen_scores, chosen_quantity …",
    ),
]
Scales = Annotated[
    list[str] | None,
    typer.Option(
        "--scale",
        metavar="LOW-HIGH,BETTER",
        help="What the file's scores run on: 1-5,higher or quantity=0-100,lower.",
    ),
]
EvalMaps = Annotated[
    list[str] | None,
    typer.Option(
        "--eval-map", metavar="prompt=FIELD", help="Where the prompt stands in the file of --eval."
    ),
]


def reading_of(layout: str | None, maps: list[str] | None, scales: list[str] | None) -> "Reading":
    """How the options `--layout`, `--map` and `--scale` want a file to be read.

    Raises: DataError.
    """
    from grice_core.data.layouts.opening import Reading

    return Reading.of_options(layout, maps, scales)
