"""`grice backup`, `grice restore`: everything that an installation keeps, in one folder."""

import os
from pathlib import Path
from typing import Annotated

import typer

from grice_core.cli.terminal import progress_bars

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the backup.")]
Verify = Annotated[
    bool, typer.Option("--verify", help="Read every byte of the backup in DIR; make none.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(backup)
    app.command()(restore)


def backup(folder: Folder, verify: Verify = False) -> None:
    """Back up database and files while everything runs; DIR may hold the backup before."""
    from grice_core.settings import settings
    from grice_core.store import backup as backups
    from grice_core.store import migrate
    from grice_core.store.artifacts import ArtifactStore

    os.umask(0o077)  # no other user may read it, as with a home
    with progress_bars() as progress:
        if verify:
            found = backups.verify(folder, progress)
        else:
            database = migrate.opened(settings().database_url)
            artifacts = ArtifactStore(settings().artifacts_url)
            found = backups.back_up(database, artifacts, folder, progress)
    typer.echo(
        f"{folder} holds {found.num_pipelines:,} pipelines, {found.num_runs:,} runs and "
        f"{found.num_files:,} files, {found.size_bytes / 1e6:,.1f} MB"
    )
    if found.missing:
        typer.echo(
            f"{len(found.missing):,} files that the database names were missing or damaged already, "
            f"such as {found.missing[0]}",
            err=True,
        )
        raise typer.Exit(1)


def restore(folder: Folder) -> None:
    """Bring a backup into a new installation, whose database (SQLite or Postgres) is empty."""
    from grice_core.files import keep_private
    from grice_core.settings import settings
    from grice_core.store import backup as backups
    from grice_core.store.artifacts import ArtifactStore

    keep_private(settings().home)
    with progress_bars() as progress:
        found = backups.restore(
            folder, settings().database_url, ArtifactStore(settings().artifacts_url), progress
        )
    typer.echo(f"restored {found.num_pipelines:,} pipelines and {found.num_runs:,} runs")
