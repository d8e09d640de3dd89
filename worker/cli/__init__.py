"""The queue's sub-commands: submit, runs, sweeps, results, archive, audit, doctor, gc, notify."""

import typer

from worker.cli import archive, audit, doctor, garbage, notify, results, runs, submit, sweeps


def register(app: typer.Typer) -> None:
    """Add the queue's commands to the application."""
    for module in (submit, runs, sweeps, results, archive, audit, doctor, garbage, notify):
        module.register(app)
