"""`grice recipe show: the built-in recipes and files of one's own`."""

import typer


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
