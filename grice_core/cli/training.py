"""`grice pipeline`: the whole job without a browser."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grice_core.cli.options import AskedPipeline, takes_pipeline
from grice_core.cli.stopping import stop_on_signals
from grice_core.cli.terminal import progress_bars, stderr, stdout
from grice_core.durations import duration

if TYPE_CHECKING:
    from grice_core.dpo.distributed.launcher import RankPlace
    from grice_core.pipeline.run import PipelineResult

HELDOUT_ACCURACY = "heldout/rewards/accuracies"

OutFolder = Annotated[Path, typer.Option(help="Folder for the results; must be empty.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 …")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an earlier pipeline's results in --out.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue with an interrupted pipeline in --out.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(pipeline)


@takes_pipeline()
def pipeline(
    asked: AskedPipeline,
    out: OutFolder,
    device: Device = "auto",
    overwrite: Overwrite = False,
    resume: Resume = False,
) -> None:
    """Train every stage of a recipe and compare baseline and stages, from files to verdict.

    Started by torchrun, accelerate launch or srun, its processes share the work; only the first one writes.
    """
    from grice_core.dpo.distributed.launcher import place_of
    from grice_core.pipeline.config import PipelineConfig
    from grice_core.pipeline.launch_ranks import found_ranks
    from grice_core.pipeline.run import run_pipeline
    from grice_core.progress import Reporter
    from grice_core.store.kept import kept_work

    if overwrite and resume:
        raise typer.BadParameter("--overwrite and --resume exclude each other")
    place = place_of(os.environ)
    if place is not None and place.index > 0:
        raise typer.Exit(_serve(place))
    # Around all that can fail, so that the other processes hear of the end.
    with found_ranks(place, say) as launched, asked.fetched() as fields:
        config = PipelineConfig(
            **fields, out=out, device=device, overwrite=overwrite, resume=resume
        )
        with progress_bars() as progress, stop_on_signals() as should_stop:
            reporter = Reporter(progress, say, should_stop)
            result = run_pipeline(config, reporter, kept_work(), launched)
    show_result(result)


def _serve(place: "RankPlace") -> int:
    """Work for the first process; returns the exit status."""
    from grice_core.pipeline.rank_server import serve

    say(
        f"process {place.index + 1} of {place.count} works for the first one, which writes the results"
    )
    return serve(place)


def say(message: str) -> None:
    stderr().print(message, soft_wrap=True, highlight=False)


def show_result(result: "PipelineResult") -> None:
    """The comparison, what training did to the held-out pairs, and where everything is."""
    from rich.table import Table

    from grice_core.evaluation.rendering import render_second_judge
    from grice_core.evaluation.second_judge import judges_of, verdict_of
    from grice_core.evaluation.table import render_comparison
    from grice_core.pipeline.kept_steps import sentences

    console = stdout()
    evaluation = result.evaluation
    console.print()
    console.print(render_comparison(evaluation.models, verdict_of(evaluation)))
    console.print()
    if evaluation.second is not None:
        console.print(render_second_judge(evaluation.second, judges_of(evaluation)))
        console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("", "pairs", "held out", "steps", "held-out accuracy", "time"):
        table.add_column(title, justify="left" if not title else "right", no_wrap=True)
    for stage in result.record["stages"]:
        table.add_row(*_stage_cells(stage))
    console.print(table)
    for stage in result.record["stages"]:
        for sentence in sentences(stage):
            console.print(f"{stage['name']}: {sentence}.", highlight=False, soft_wrap=True)
    for each in result.record.get("rounds", ()):
        for sentence in each["said"]:
            console.print(f"{each['name']}: {sentence}.", highlight=False, soft_wrap=True)
    for warning in evaluation.warnings:
        console.print(f"! {warning}", style="yellow")
    console.print(
        f"\nEverything is in {result.output.path} (all {duration(result.record['seconds']['all'])})."
    )


def _stage_cells(stage: dict[str, Any]) -> list[str]:
    before, after = (
        f"{100 * stage[when][HELDOUT_ACCURACY]:.1f} %" if HELDOUT_ACCURACY in stage[when] else "–"
        for when in ("before", "after")
    )
    return [
        stage["name"],
        f"{stage['num_train']:,}",
        f"{stage['num_heldout']:,}",
        f"{stage['num_steps']:,}",
        f"{before} → {after}",
        duration(stage["seconds"]),
    ]
