"""`grice score` and `grice detector …`: the judge."""

import typer

from grice_core.cli.detector.connecting import connect, rubric
from grice_core.cli.detector.exporting import export
from grice_core.cli.detector.importing import import_
from grice_core.cli.detector.judging import calibrate, evaluate
from grice_core.cli.detector.label_errors import correct_labels, label_errors
from grice_core.cli.detector.scoring import score
from grice_core.cli.detector.training import distill, train


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(score)
    detector = typer.Typer(
        help="Import, connect, train, calibrate, evaluate and export detectors; find wrong labels.",
        no_args_is_help=True,
    )
    detector.command("import")(import_)
    detector.command()(connect)
    detector.command()(rubric)
    detector.command()(train)
    detector.command()(distill)
    detector.command()(calibrate)
    detector.command()(evaluate)
    detector.command()(label_errors)
    detector.command()(correct_labels)
    detector.command()(export)
    app.add_typer(detector, name="detector")
