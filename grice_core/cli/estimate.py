"""`grice estimate`: what `grice pipeline` would take."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grice_core.cli.options import AskedPipeline, takes_pipeline
from grice_core.cli.stopping import stop_on_signals
from grice_core.cli.terminal import progress_bars, stdout
from grice_core.cli.training import Device, say
from grice_core.durations import duration

if TYPE_CHECKING:
    from grice_core.pipeline.estimate import Estimate

UnusedFolder = Annotated[
    Path | None, typer.Option(help="As `grice pipeline` has it; nothing is written there.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(estimate)


@takes_pipeline()
def estimate(
    asked: AskedPipeline,
    out: UnusedFolder = None,
    device: Device = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document instead of a table.")
    ] = False,
) -> None:
    """Say what a pipeline would take: pairs, steps, minutes, memory, from a few measured steps.

    Give the options of `grice pipeline`; nothing is written.
    """
    from grice_core.pipeline.config import PipelineConfig
    from grice_core.pipeline.estimate import estimate_pipeline
    from grice_core.progress import Reporter

    with asked.fetched() as fields:
        config = PipelineConfig(**fields, out=out or Path("out"), device=device)
        with progress_bars() as progress, stop_on_signals() as should_stop:
            estimated = estimate_pipeline(config, Reporter(progress, say, should_stop))
    if as_json:
        typer.echo(json.dumps(estimated.document(), indent=2))
    else:
        _show(estimated)


def _show(estimated: "Estimate") -> None:
    """A line per stage, one for the evaluation, and what it comes to."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("", "pairs", "held out", "steps", "answers", "about"):
        table.add_column(title, justify="left" if not title else "right", no_wrap=True)
    if estimated.scoring.num_pairs:
        pairs = f"{estimated.scoring.num_pairs:,}"
        table.add_row("scoring", pairs, "", "", "", duration(estimated.scoring.seconds))
    for stage in estimated.stages:
        counts = (f"{n:,}" for n in (stage.num_train, stage.num_heldout, stage.num_steps))
        sampled = f"{stage.num_answers:,}" if stage.num_answers else ""
        table.add_row(stage.name, *counts, sampled, duration(stage.seconds))
    answers = f"{estimated.num_answers:,}"
    table.add_row("evaluation", "", "", "", answers, duration(estimated.evaluation_s))
    table.add_row("all, with loading", "", "", "", "", duration(estimated.seconds))
    console = stdout()
    console.print(table)
    console.print(
        f"\nPeak memory about {estimated.peak_bytes / 2**30:.1f} GiB "
        f"({estimated.device}, {estimated.precision}), base weights in {estimated.base_dtype}."
    )
    if any(stage.num_answers for stage in estimated.stages):
        console.print("Rounds: at most, with a pair for every prompt; they may end earlier.")
    for said in estimated.judging:
        console.print(f"{said[:1].upper()}{said[1:]}.", highlight=False)
    for sentence in estimated.power_sentences:
        console.print(sentence, highlight=False)
