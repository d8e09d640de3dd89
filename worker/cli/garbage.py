"""`grice gc`: make room."""

import typer

from grice_core.cli.terminal import stdout


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command("gc")(collect)


def collect() -> None:
    """Throw away what no data set, detector or run needs, once it is a day old."""
    from worker.client import RunQueue

    collected = RunQueue.open().collect_garbage()
    if collected.num_files:
        freed = f"{collected.size_bytes / 1e6:,.1f} MB"
        stdout().print(f"removed {collected.num_files:,} files, {freed}", highlight=False)
    else:
        stdout().print("nothing to remove")
