"""`grice detector evaluate` and `calibrate`: how far to trust a detector."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grice_core.cli.detector.options import AsJson, Device, Precision
from grice_core.errors import DetectorError

if TYPE_CHECKING:
    from grice_core.detector.evaluate import Calibrated, Evaluation
    from grice_core.detector.record import DetectorRecord

Folder = Annotated[Path, typer.Argument(help="Detector folder.", show_default=False)]
Labels = Annotated[Path, typer.Argument(help="Labelled texts.", show_default=False)]


def evaluate(
    detector: Folder,
    labels: Labels,
    as_json: AsJson = False,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Compare a detector's verdicts with labels; the figures are kept in its folder."""
    from grice_core.cli import terminal
    from grice_core.detector.evaluate import evaluate_detector, write_evaluation
    from grice_core.detector.labels import load_labels
    from grice_core.detector.load import load_detector
    from grice_core.kernels.precision import resolve_device

    _check_is_ours(detector)
    judge = load_detector(detector, resolve_device(device), precision)
    with terminal.progress_bars() as progress:
        evaluation = evaluate_detector(judge, load_labels(labels, progress), progress)
    write_evaluation(detector, judge.record, evaluation)
    if as_json:
        typer.echo(json.dumps(evaluation.document(), indent=2, ensure_ascii=False))
    else:
        _show_evaluation(detector, judge.record, evaluation)


def calibrate(
    detector: Folder,
    labels: Labels,
    wanted_precision: Annotated[
        float | None,
        typer.Option(
            "--for-precision",
            help="Choose thresholds for this precision instead of for F1.",
            min=0,
            max=1,
        ),
    ] = None,
    as_json: AsJson = False,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Find a detector's temperatures and thresholds on labelled texts, and keep them."""
    from grice_core.cli import terminal
    from grice_core.detector.evaluate import calibrate_detector
    from grice_core.detector.folder import update_record
    from grice_core.detector.labels import load_labels
    from grice_core.detector.load import load_detector
    from grice_core.kernels.precision import resolve_device

    _check_is_ours(detector)
    judge = load_detector(detector, resolve_device(device), precision)
    with terminal.progress_bars() as progress:
        labelled = load_labels(labels, progress)
        calibrated = calibrate_detector(judge, labelled, wanted_precision, progress)
    update_record(detector, calibrated.record)
    if as_json:
        typer.echo(json.dumps(_calibration_json(calibrated), indent=2))
    else:
        _show_calibration(detector, calibrated)


def _check_is_ours(folder: Path) -> None:
    from grice_core.detector.record import RECORD_NAME

    if not (folder / RECORD_NAME).is_file():
        raise DetectorError(
            f"{folder} holds no {RECORD_NAME}; make it a detector first: "
            f"grice detector import {folder} --out DIR"
        )


def _calibration_json(calibrated: "Calibrated") -> dict[str, object]:
    return {
        "maxims": {
            maxim: {
                "temperature": one.temperature,
                "threshold": one.threshold,
                "before": vars(one.before),
                "after": vars(one.after),
            }
            for maxim, one in calibrated.calibration.maxims.items()
        },
        "remarks": list(calibrated.calibration.remarks),
        "note": calibrated.note,
    }


def _show_evaluation(folder: Path, before: "DetectorRecord", evaluation: "Evaluation") -> None:
    from rich.text import Text

    from grice_core.cli import terminal
    from grice_core.cli.detector import tables

    console = terminal.stdout()
    console.print(tables.metrics_table(evaluation.metrics))
    if evaluation.mistakes:
        console.print("\nMost confident mistakes", style="bold")
    for mistake in evaluation.mistakes:
        verdict = "violated" if mistake.violated else "not violated"
        head = (
            f"{mistake.maxim:<9} row {mistake.row:>6,}  said {mistake.probability:.2f}, {verdict}: "
        )
        console.print(Text(head + mistake.text.response), no_wrap=True, overflow="ellipsis")
    # Of these figures only: the record's remarks, and maybe its figures, are from other texts.
    tables.say([*evaluation.remarks(before), *tables.cautions_of(evaluation.metrics)])
    if not evaluation.is_outdone_by(before):
        tables.say([f"figures and reliability diagram in {folder / 'evaluation'}"], style="dim")


def _show_calibration(folder: Path, calibrated: "Calibrated") -> None:
    from grice_core.cli import terminal
    from grice_core.cli.detector import tables

    title = f"Detector {folder}: cross-fitted, before → after"
    terminal.stdout().print(tables.calibration_table(calibrated.calibration, title))
    tables.say([calibrated.note] if calibrated.note else [])
    tables.say(tables.warnings_of(calibrated.record))
