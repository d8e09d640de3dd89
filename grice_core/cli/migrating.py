"""`grice migrate`: bring the database to this version's tables, once its rows are safe."""

from typing import Annotated

import typer

BackedUp = Annotated[
    bool,
    typer.Option("--backed-up", help="Postgres: say that you have a backup of the database."),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(migrate)


def migrate(backed_up: BackedUp = False) -> None:
    """Upgrade the database's tables to this version; a SQLite file is copied beside itself first."""
    from grice_core.settings import settings
    from grice_core.store.engine import connect
    from grice_core.store.migrate import bring_up_to_date

    bring_up_to_date(connect(settings().database_url), typer.echo, is_backed_up=backed_up)
