"""The command's root: the typer application and the one place where errors become exit codes."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from grice_core.cli import (
    backup,
    data,
    demo,
    detector,
    estimate,
    evaluation,
    export,
    migrating,
    recipe,
    sample,
    stages,
    sweep,
    training,
    verify,
)
from grice_core.errors import GriceError
from grice_core.loading import begin_loading
from grice_core.quiet import hush_libraries

app = typer.Typer(
    name="grice",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (
    data,
    stages,
    recipe,
    estimate,
    training,
    sample,
    sweep,
    export,
    verify,
    detector,
    evaluation,
    demo,
    migrating,
    backup,
):
    module.register(app)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"grice-studio {version('grice-studio')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Tune a language model to be a cooperative speaker, one Gricean maxim at a time."""


def run(application: typer.Typer) -> None:
    """Run a typer application; a `GriceError` becomes one sentence on stderr and its exit code."""
    begin_loading()
    hush_libraries()
    try:
        application()
    except GriceError as error:
        typer.secho(f"grice: {error}", err=True, fg=typer.colors.RED)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.secho("grice: interrupted", err=True, fg=typer.colors.RED)
        sys.exit(130)
