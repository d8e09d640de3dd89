"""The command's root: the typer application and the one place where errors become exit codes."""

import sys

import typer

from grice_core.cli import data, demo, detector, estimate, evaluation, recipe, stages, training
from grice_core.errors import GriceError
from grice_core.quiet import hush_libraries

app = typer.Typer(
    name="grice",
    help="Tune a language model to be a cooperative speaker, one Gricean maxim at a time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (data, stages, recipe, estimate, training, detector, evaluation, demo):
    module.register(app)


def run(application: typer.Typer) -> None:
    """Run a typer application; a `GriceError` becomes one sentence on stderr and its exit code."""
    hush_libraries()
    try:
        application()
    except GriceError as error:
        typer.secho(f"grice: {error}", err=True, fg=typer.colors.RED)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.secho("grice: interrupted", err=True, fg=typer.colors.RED)
        sys.exit(130)
