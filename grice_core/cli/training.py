"""`grice pipeline: the whole job without a browser`."""

import typer


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
