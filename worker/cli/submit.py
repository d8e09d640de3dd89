"""`grice submit`: ask for a pipeline, and let the workers do it."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from grice_core.cli.options import (
    AnyBaseName,
    AnyDataFile,
    AnyDetectorName,
    AnyEvalFile,
    Leakage,
    NumEval,
    NumProcesses,
    Overrides,
    PrecisionName,
    ReportTarget,
    SamplesPerPrompt,
    Seed,
)
from grice_core.cli.terminal import progress_bars, stderr
from grice_core.errors import InputError
from worker.cli import submit_detector

if TYPE_CHECKING:
    from worker.client import RunQueue

Demo = Annotated[bool, typer.Option("--demo", help="Submit the demo project.")]
RecipeName = Annotated[
    str | None, typer.Option(help="Built-in recipe or YAML file; content-then-manner if none.")
]
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
    app.add_typer(group, name="submit")


def submit(
    context: typer.Context,
    data: AnyDataFile = None,
    evaluation: AnyEvalFile = None,
    base: AnyBaseName = None,
    detector: AnyDetectorName = None,
    demo: Demo = False,
    recipe: RecipeName = None,
    overrides: Overrides = None,
    num_eval: NumEval = None,
    seed: Seed = 0,
    device: Device = "auto",
    precision: PrecisionName = "auto",
    leakage: Leakage = "drop-eval",
    num_processes: NumProcesses = "auto",
    samples_per_prompt: SamplesPerPrompt = 1,
    report_to: ReportTarget = "none",
    trained_by: TrainedBy = None,
) -> None:
    """Ask for a pipeline and print its id; asking again for the same gives the same one."""
    if context.invoked_subcommand:
        return
    from grice_core.recipes.load import load_recipe
    from worker.client import PipelineRequest, RunQueue

    changes = [*(overrides or [])]
    if num_eval is not None:
        changes.append(f"evaluation.num_prompts={num_eval}")
    with tempfile.TemporaryDirectory() as scratch:
        if demo:
            files = _demo_files(Path(scratch), seed)
        else:
            files = _required(data, evaluation, base, detector)
        request = PipelineRequest(
            *files,
            recipe=load_recipe(recipe or ("demo" if demo else "content-then-manner"), changes),
            seed=seed,
            device=device,
            precision=precision,
            leakage=leakage,
            num_processes=num_processes,
            samples_per_prompt=samples_per_prompt,
            report_to=report_to,
            trained_by=trained_by,
        )
        queue = RunQueue.open()
        with progress_bars() as progress:
            pipeline_id = queue.submit(request, progress)
    typer.echo(pipeline_id)
    _say_what_happens_next(queue, pipeline_id)


def _demo_files(folder: Path, seed: int) -> tuple[Path, Path, str, str]:
    """The demo's data, drawn anew, and its models."""
    from grice_core.demo.project import demo_models, write_demo_data

    models, files = demo_models(), write_demo_data(folder, seed)
    return files.pairs, files.prompts, str(models.base), str(models.detector)


def _required(
    data: Path | None, evaluation: Path | None, base: str | None, detector: str | None
) -> tuple[Path, Path, str, str]:
    if data is None or evaluation is None or base is None or detector is None:
        given = {"--data": data, "--eval": evaluation, "--base": base, "--detector": detector}
        missing = [name for name, value in given.items() if value is None]
        raise InputError(f"{', '.join(missing)} missing: give it, or submit the demo with --demo")
    return data, evaluation, base, detector


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
