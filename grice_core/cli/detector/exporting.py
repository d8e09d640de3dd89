"""`grice detector export`: a detector of the studio as a folder."""

from pathlib import Path
from typing import Annotated

import typer

from grice_core.errors import OutputError


def export(
    name: Annotated[
        str, typer.Argument(help="Name or number of a registered detector.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Folder to write; must not exist.", show_default=False)],
) -> None:
    """Write a registered detector to a folder, as `--detector` takes it."""
    from grice_core.pipeline.addresses import Addresses

    if out.exists():
        raise OutputError(f"{out} exists; name another folder")
    Addresses.open().detector_folder(name, out)
    typer.echo(f"wrote {out}")
