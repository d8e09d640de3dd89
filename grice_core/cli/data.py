"""`grice check, stages: what is in the data and what each stage would learn from`."""

import typer


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
