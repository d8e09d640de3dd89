"""`grice sweep`: settings of a recipe, searched."""

from pathlib import Path
from typing import Annotated

import typer

from grice_core.cli.options import AskedPipeline, takes_pipeline
from grice_core.cli.stopping import stop_on_signals
from grice_core.cli.sweep_options import Minutes, Seeds, Trials, Vary
from grice_core.cli.terminal import progress_bars, stdout
from grice_core.cli.training import Device, say
from grice_core.errors import InterruptedRunError

OutFolder = Annotated[
    Path, typer.Option(help="Folder for the trials; calling again with the same options continues.")
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
    from grice_core.sweep.report import render_sweep
    from grice_core.sweep.result import sweep_document
    from grice_core.sweep.run import SweepConfig, run_sweep
    from grice_core.sweep.search import Search
    from grice_core.sweep.space import parse_varied

    with asked.fetched() as fields:
        pipeline = PipelineConfig(**fields, out=out, device=device)
        varied = tuple(map(parse_varied, vary))
        search = Search(pipeline.recipe, varied, pipeline.seed, trials, seeds, minutes)
        with progress_bars() as progress, stop_on_signals() as should_stop:
            try:
                reporter = Reporter(progress, say, should_stop)
                result = run_sweep(SweepConfig(pipeline, search), reporter, kept_work())
            except InterruptedRunError as error:
                raise InterruptedRunError(
                    f"{error} Call it again with the same options to continue."
                ) from error
    stdout().print(render_sweep(sweep_document(result)))
    stdout().print(f"\nEverything is in {out}; the winner's recipe is winner.yaml.")
