"""The queue's sub-commands: submit, runs, results, archive, doctor, gc."""

import typer

from worker.cli import archive, doctor, garbage, results, runs, submit


def register(app: typer.Typer) -> None:
    """Add the queue's commands to the application."""
    for module in (submit, runs, results, archive, doctor, garbage):
        module.register(app)
