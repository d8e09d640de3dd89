"""`grice compare: what the evaluation says`."""

import typer


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
