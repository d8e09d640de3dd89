"""`grice up`: everything on this machine."""

import typer


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(up)


def up() -> None:
    """Start the dashboard, the queue and a worker, and keep them running until Ctrl-C."""
    from app.server.all_in_one import main

    main()
