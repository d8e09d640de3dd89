"""The queue's sub-commands: submit, runs, results, doctor."""

import typer

from worker.cli import doctor, results, runs, submit


def register(app: typer.Typer) -> None:
    """Add the queue's commands to the application."""
    for module in (submit, runs, results, doctor):
        module.register(app)
