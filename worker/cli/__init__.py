"""The queue's sub-commands: submit, runs, results, archive, audit, doctor, gc."""

import typer

from worker.cli import archive, audit, doctor, garbage, results, runs, submit


def register(app: typer.Typer) -> None:
    """Add the queue's commands to the application."""
    for module in (submit, runs, results, archive, audit, doctor, garbage):
        module.register(app)
