"""`grice submit`: ask for a pipeline, and let the workers do it."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from grice_core.cli.options import AskedPipeline, takes_pipeline
from grice_core.cli.terminal import progress_bars, stderr
from grice_core.errors import InputError
from worker.cli import submit_detector, submit_sweep

if TYPE_CHECKING:
    from worker.client import RunQueue

Demo = Annotated[bool, typer.Option("--demo", help="Submit the demo project.")]
Device = Annotated[
    Literal["auto", "cpu", "gpu"],
    typer.Option(help="Class of worker; auto: the GPU if a worker for one is there."),
]
TrainedBy = Annotated[
    int | None,
    typer.Option(help="Train nothing: evaluate the stages of this pipeline, given its recipe."),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(submit)
    group.command()(submit_detector.detector)
    group.command()(submit_sweep.sweep)
    app.add_typer(group, name="submit")


@takes_pipeline(inputs_required=False)
def submit(
    asked: AskedPipeline,
    context: typer.Context,
    demo: Demo = False,
    device: Device = "auto",
    trained_by: TrainedBy = None,
) -> None:
    """Ask for a pipeline and print its id; asking again for the same gives the same one."""
    if context.invoked_subcommand:
        return
    from worker.client import PipelineRequest, RunQueue

    with tempfile.TemporaryDirectory() as scratch:
        if demo:
            asked = _demo(asked, Path(scratch))
        if asked.missing:
            raise InputError(
                f"{', '.join(asked.missing)} missing: give it, or submit the demo with --demo"
            )
        request = PipelineRequest(**asked.in_studio(), device=device, trained_by=trained_by)
        queue = RunQueue.open()
        with progress_bars() as progress:
            pipeline_id = queue.submit(request, progress)
    typer.echo(pipeline_id)
    _say_what_happens_next(queue, pipeline_id)


def _demo(asked: AskedPipeline, folder: Path) -> AskedPipeline:
    """The same with the demo's data, drawn anew, its models and its recipe."""
    from grice_core.demo.project import RECIPE, demo_models, write_demo_data

    models, files = demo_models(), write_demo_data(folder, asked.options["seed"])
    inputs = {
        "data": files.pairs,
        "eval": files.prompts,
        "base": str(models.base),
        "detector": str(models.detector),
    }
    return replace(asked, inputs=inputs, recipe=asked.recipe or RECIPE)


def _say_what_happens_next(queue: "RunQueue", pipeline_id: int) -> None:
    from grice_core.store import runs

    waiting = runs.of_pipeline(queue.database, pipeline_id)
    say = stderr().print
    if all(run.state.is_finished() for run in waiting):
        say(f"It is finished already: grice results {pipeline_id} --out DIR")
        return
    if not queue.is_available():
        say("The queue is unavailable; the pipeline is kept and begins when a worker is back.")
    elif not any(worker.device is waiting[0].device for worker in queue.workers()):
        say(
            f"No worker for the {waiting[0].device} listens: start one with "
            f"`python -m worker --{waiting[0].device}{' 0' if waiting[0].device == 'gpu' else ''}`, "
            "or everything with `grice up`."
        )
    say(f"Follow it with `grice runs follow {waiting[0].id}`, see all with `grice runs`.")
