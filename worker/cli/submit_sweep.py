"""`grice submit sweep`: ask for settings to be searched, and let the workers do it."""

from typing import Annotated, Literal

import typer

from grice_core.cli.options import AskedPipeline, takes_pipeline
from grice_core.cli.sweep_options import Minutes, Seeds, Trials, Vary
from grice_core.cli.terminal import progress_bars, stderr

Device = Annotated[
    Literal["auto", "cpu", "gpu"],
    typer.Option(help="Class of worker; auto: the GPU if a worker for one is there."),
]
AtOnce = Annotated[
    int, typer.Option(min=1, help="Trials under way together; more than workers bring nothing.")
]


@takes_pipeline()
def sweep(
    asked: AskedPipeline,
    vary: Vary,
    trials: Trials = 8,
    minutes: Minutes = None,
    seeds: Seeds = 3,
    at_once: AtOnce = 1,
    device: Device = "auto",
) -> None:
    """Ask for a sweep and print its id; asking again for the same gives the same one."""
    from grice_core.sweep.search import Search
    from grice_core.sweep.space import parse_varied
    from worker.client import PipelineRequest, RunQueue

    request = PipelineRequest(**asked.in_studio(), device=device)
    varied = tuple(map(parse_varied, vary))
    search = Search(request.recipe, varied, request.seed, trials, seeds, minutes, at_once)
    queue = RunQueue.open()
    with progress_bars() as progress:
        sweep_id = queue.sweeps.submit(request, search, progress)
    typer.echo(sweep_id)
    stderr().print(f"See how far it is with `grice sweeps show {sweep_id}`, or on the Sweep page.")
