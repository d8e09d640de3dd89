"""Options of the commands that search settings: `sweep`, `submit sweep`."""

from typing import Annotated

import typer

Vary = Annotated[
    list[str],
    typer.Option(
        metavar="NAME=VALUES",
        help="What to search: stage2.beta=0.05..0.5, stage1.learning_rate=1e-5..1e-3:log, "
        "stage1.epochs=1..3, stage2.loss_type=dpo,ipo. Again for each field.",
    ),
]
Trials = Annotated[int, typer.Option(min=1, help="Recipes to try, besides the recipe as it is.")]
Minutes = Annotated[
    float | None, typer.Option(min=0, help="Begin no further trial after as many minutes.")
]
Seeds = Annotated[
    int, typer.Option(min=1, help="That the best ones are repeated with before one is named.")
]
