"""`grice sweep`: settings of a recipe, searched."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grice_core.cli.options import AskedPipeline, takes_pipeline
from grice_core.cli.stopping import stop_on_signals
from grice_core.cli.terminal import progress_bars, stdout
from grice_core.cli.training import Device, say
from grice_core.errors import InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grice_core.recipes.config import Recipe

OutFolder = Annotated[
    Path, typer.Option(help="Folder for the trials; calling again with the same options continues.")
]
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


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(sweep)


@takes_pipeline()
def sweep(
    asked: AskedPipeline,
    vary: Vary,
    out: OutFolder,
    trials: Trials = 8,
    minutes: Minutes = None,
    seeds: Seeds = 3,
    device: Device = "auto",
) -> None:
    """Search settings of a recipe: trials on half of the prompts, the winner confirmed on the others."""
    from grice_core.pipeline.config import PipelineConfig
    from grice_core.progress import Reporter
    from grice_core.store.kept import kept_work
    from grice_core.sweep.report import render_sweep, write_sweep
    from grice_core.sweep.run import SweepConfig, run_sweep
    from grice_core.sweep.space import parse_varied

    def recipe_of(overrides: "Sequence[str]") -> "Recipe":
        changed = replace(asked, overrides=(*asked.overrides, *overrides))
        return changed.chosen_recipe()

    varied = tuple(map(parse_varied, vary))
    with asked.fetched() as fields:
        pipeline = PipelineConfig(**fields, out=out, device=device)
        config = SweepConfig(pipeline, recipe_of, varied, trials, seeds, minutes)
        with progress_bars() as progress, stop_on_signals() as should_stop:
            try:
                result = run_sweep(config, Reporter(progress, say, should_stop), kept_work())
            except InterruptedRunError as error:
                raise InterruptedRunError(
                    f"{error} Call it again with the same options to continue."
                ) from error
    write_sweep(result)
    stdout().print(render_sweep(result))
    stdout().print(f"\nEverything is in {result.folder}; the winner's recipe is winner.yaml.")
