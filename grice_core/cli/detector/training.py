"""`grice detector train` and `distill`: detectors of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from grice_core.cli.detector.options import Device, Out, Overwrite, Precision
from grice_core.cli.reading_options import LayoutName, Maps, Scales, reading_of

if TYPE_CHECKING:
    from grice_core.detector.fit import FitSettings
    from grice_core.detector.student import Student
    from grice_core.detector.train import Trained

Encoder = Annotated[
    str,
    typer.Option(
        help="Encoder to start from: folder or hub id, such as microsoft/deberta-v3-base. A folder "
        "without weights starts random.",
        show_default=False,
    ),
]
Pooling = Annotated[
    Literal["cls", "cls+response_max"],
    typer.Option(help="What the heads see: the first token, or also the response's maximum."),
]
Epochs = Annotated[int, typer.Option(min=1)]
BatchSize = Annotated[int, typer.Option(min=1)]
LearningRate = Annotated[float, typer.Option()]
Holdout = Annotated[float, typer.Option(help="Share kept aside to validate, and again to test.")]
Seed = Annotated[int, typer.Option()]

Disjoint = Annotated[
    int,
    typer.Option(
        min=1,
        max=10,
        help="Split the labels by dialogue into so many parts and train a detector on each: OUT-1, OUT-2 …; "
        "one can then be the second judge of the other's pipelines.",
    ),
]


def train(
    labels: Annotated[Path, typer.Argument(help="Labelled texts.", show_default=False)],
    encoder: Encoder,
    out: Out,
    pooling: Pooling = "cls",
    epochs: Epochs = 5,
    batch_size: BatchSize = 16,
    learning_rate: LearningRate = 2e-5,
    alpha: Annotated[float, typer.Option(help="Of the focal loss.")] = 0.25,
    gamma: Annotated[float, typer.Option(help="Of the focal loss.")] = 2.0,
    holdout: Holdout = 0.15,
    seed: Seed = 0,
    disjoint: Disjoint = 1,
    device: Device = "auto",
    precision: Precision = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Train a detector on labelled texts, calibrate it, and say how far to trust it."""
    from grice_core.cli import terminal
    from grice_core.detector.folder import Destination, check_detector_folder
    from grice_core.detector.labels import load_labels
    from grice_core.detector.train import train_detector

    outs = [out] if disjoint == 1 else [Path(f"{out}-{part}") for part in range(1, disjoint + 1)]
    for each in outs:
        check_detector_folder(each, overwrite=overwrite)
    settings = _settings(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        focal_alpha=alpha,
        focal_gamma=gamma,
        holdout_share=holdout,
        seed=seed,
        num_parts=disjoint,
    )
    for part, each in enumerate(outs, start=1):
        own = settings.model_copy(update={"part": part})
        with terminal.progress_bars() as progress:
            labelled = load_labels(labels, progress)
            student = _student(encoder, pooling, device, precision, seed)
            destination = Destination(each, overwrite)
            trained = train_detector(labelled, student, own, destination, progress)
        _show(trained, "macro-F1 of the validation texts", each)


def distill(
    pairs: Annotated[Path, typer.Argument(help="Scored preference pairs.", show_default=False)],
    encoder: Encoder,
    out: Out,
    pooling: Pooling = "cls",
    epochs: Epochs = 5,
    batch_size: BatchSize = 16,
    learning_rate: LearningRate = 2e-5,
    holdout: Holdout = 0.15,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    overwrite: Overwrite = False,
    layout: LayoutName = None,
    maps: Maps = None,
    scales: Scales = None,
) -> None:
    """Train a student on the scores of scored pairs, and say how near it is to its teacher."""
    from grice_core.cli import terminal
    from grice_core.data.load import load_pairs
    from grice_core.detector.distill import distill_detector
    from grice_core.detector.folder import Destination, check_detector_folder

    check_detector_folder(out, overwrite=overwrite)
    settings = _settings(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        holdout_share=holdout,
        seed=seed,
    )
    with terminal.progress_bars() as progress:
        loaded = load_pairs(pairs, progress, reading=reading_of(layout, maps, scales))
        student = _student(encoder, pooling, device, precision, seed)
        destination = Destination(out, overwrite)
        trained = distill_detector(
            loaded.table, loaded.sha256, student, settings, destination, progress
        )
    _show(trained, "−cross-entropy on the validation prompts", out)


def _settings(**values: float) -> "FitSettings":
    from pydantic import ValidationError

    from grice_core.detector.fit import FitSettings
    from grice_core.errors import DetectorError

    try:
        return FitSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("holdout_share", "holdout").replace("focal_", "")
        raise DetectorError(
            f"--{option.replace('_', '-')} {first['input']}: {first['msg']}"
        ) from error


def _student(
    encoder: str, pooling: Pooling, device: str, precision: Precision, seed: int
) -> "Student":
    from grice_core.detector.fit import Place
    from grice_core.detector.student import new_student
    from grice_core.kernels.precision import resolve_device, resolve_precision

    target = resolve_device(device)
    return new_student(encoder, pooling, Place(target, resolve_precision(precision, target)), seed)


def _show(trained: "Trained", figure: str, out: Path) -> None:
    from grice_core.cli import terminal
    from grice_core.cli.detector import tables

    console, record, split = terminal.stdout(), trained.record, trained.split
    best = max(trained.epochs, key=lambda epoch: epoch.figure)
    console.print(f"{figure}, by epoch (loss):", highlight=False)
    for epoch in trained.epochs:
        mark = "  ← kept" if epoch is best else ""
        console.print(
            f"  {epoch.number:>3}  {epoch.figure:.3f}  ({epoch.loss:.4f}){mark}", highlight=False
        )
    if best is trained.epochs[-1]:
        tables.say(["the last epoch was the best: more --epochs may do better"], style="dim")
    sizes = (len(split.train), len(split.validation), len(split.test))
    console.print("{:,} texts trained on, {:,} to validate, {:,} to test".format(*sizes))
    if record.metrics:
        console.print(tables.metrics_table(record.metrics))
    if record.agreement:
        console.print(tables.agreement_table(record))
    tables.say(tables.warnings_of(record))
    tables.say([f"written to {out}"], style="dim")
