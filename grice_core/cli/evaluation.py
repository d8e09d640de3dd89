"""`grice compare`: what evaluations say, and how pipelines differ."""

import json
from pathlib import Path
from typing import Annotated

import typer

from grice_core.cli.terminal import stdout


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(compare)


def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="OUT…", help="Output folders of pipelines; the first is the reference."
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document instead of tables.")
    ] = False,
) -> None:
    """Show what pipelines achieved: rates, differences, tests, what was lost again, the verdict.

    Several pipelines are also compared with the first one, on the prompts that both answered.
    """
    from grice_core.evaluation.overview import overview, overview_document
    from grice_core.evaluation.rendering import render_overview
    from grice_core.evaluation.stored import read_evaluation

    found = overview([read_evaluation(folder) for folder in folders])
    if as_json:
        document = overview_document(found)
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        stdout().print(render_overview(found))
