"""`grice results`: a pipeline's output folder, as `grice pipeline` writes it."""

from pathlib import Path
from typing import Annotated

import typer

from grice_core.errors import OutputError

PipelineId = Annotated[
    int, typer.Argument(help="The pipeline's number, as `grice submit` printed.")
]
OutFolder = Annotated[Path, typer.Option(help="Folder for the results; must be empty.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(results)


def results(pipeline: PipelineId, out: OutFolder) -> None:
    """Write a pipeline's results, as far as it has come, into a folder."""
    from worker.client import RunQueue

    queue = RunQueue.open()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is not empty: choose another --out")
    if out.exists():
        out.rmdir()
    outstanding = queue.fetch_results(pipeline, out)
    typer.echo(f"The results are in {out}.")
    if outstanding:
        typer.echo(f"Not finished yet: {', '.join(outstanding)}.")
