"""`grice archive`: a whole pipeline as one file, to keep or to open elsewhere."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from grice_core.cli.terminal import progress_bars
from grice_core.errors import OutputError

PipelineId = Annotated[
    int, typer.Argument(help="The pipeline's number, as `grice submit` printed.")
]
OutFile = Annotated[Path, typer.Option(help="File to write; must not be there yet.")]
Archive = Annotated[Path, typer.Argument(help="A file that `grice archive export` wrote.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(help="Keep a whole pipeline as one file, and open such a file elsewhere.")
    group.command()(export)
    group.command("import")(import_)
    app.add_typer(group, name="archive")


def export(pipeline: PipelineId, out: OutFile) -> None:
    """Write a finished pipeline with its data, models, answers and numbers into one file."""
    from grice_core.store.archive import export_pipeline
    from worker.client import RunQueue

    if out.exists():
        raise OutputError(f"{out} is there already: choose another --out")
    queue = RunQueue.open()
    with progress_bars() as progress:
        export_pipeline(queue.database, queue.artifacts, pipeline, out, progress)
    typer.echo(f"Pipeline {pipeline} is in {out}, {out.stat().st_size / 1e6:,.1f} MB.")


def import_(archive: Archive) -> None:
    """Take a pipeline over from such a file and print its id here; doing so twice gives the same one."""
    from grice_core.store.archive import import_pipeline
    from worker.arrivals import checked
    from worker.client import RunQueue

    queue = RunQueue.open()
    with progress_bars() as progress:
        check = partial(checked, queue.artifacts)
        typer.echo(import_pipeline(queue.database, queue.artifacts, archive, check, progress))
