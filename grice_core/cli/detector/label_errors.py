"""`grice detector label-errors` and `correct-labels`: which labels are probably wrong, and a corrected copy."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grice_core.cli.detector.options import AsJson, Device, Precision
from grice_core.errors import OutputError

if TYPE_CHECKING:
    from grice_core.detector.label_errors import LabelErrors
    from grice_core.kernels.precision import Precision as NumberFormat

_NUM_SHOWN = 20


def label_errors(
    labels: Annotated[Path, typer.Argument(help="Labelled texts.", show_default=False)],
    detector: Annotated[
        str | None,
        typer.Option(help="Detector folder: ranks the labels of the texts that it has not seen."),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Instead of a detector, an encoder: one detector per fold is trained on the other "
            "folds, so that all labels are ranked."
        ),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="With --encoder.")] = 5,
    epochs: Annotated[int, typer.Option(min=1, help="With --encoder.")] = 5,
    seed: Annotated[int, typer.Option(help="With --encoder.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="CSV to write, with a column `decision` for `correct-labels`."),
    ] = None,
    as_json: AsJson = False,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Rank labels that are probably wrong, by confident learning."""
    from grice_core.detector.corrected_labels import looked_at, write_ranking

    if (detector is None) == (encoder is None):
        raise typer.BadParameter("give --detector, or --encoder to train one per fold")
    if out is not None and out.exists():
        raise OutputError(f"{out} exists; name another file")
    if detector is not None:
        found = _by_detector(labels, detector, device, precision)
    else:
        found = _cross_validated(labels, str(encoder), (folds, epochs, seed), (device, precision))
    found = found.without(looked_at(labels))
    if out is not None:
        write_ranking(out, found)
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json"), indent=2, ensure_ascii=False))
    else:
        _show(found, labels, out)


def correct_labels(
    labels: Annotated[Path, typer.Argument(help="Labelled texts.", show_default=False)],
    decisions: Annotated[
        Path,
        typer.Option(
            help="The CSV of `label-errors --out` with `flip`, `keep` or nothing as each decision.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="JSON to write; “LABELS v2.json” if none.")
    ] = None,
) -> None:
    """Write a corrected copy of labelled texts, which says what it was made from."""
    from grice_core.detector.corrected_labels import next_version, read_decisions, write_corrected

    out = out or labels.with_name(next_version(labels.name))
    if out.exists():
        raise OutputError(f"{out} exists; name another file")
    decided = read_decisions(decisions)
    num_flipped = write_corrected(labels, decided, out)
    typer.echo(f"{num_flipped:,} labels flipped, {len(decided) - num_flipped:,} confirmed → {out}")


def _by_detector(
    labels: Path, detector: str, device: str, precision: "NumberFormat"
) -> "LabelErrors":
    from grice_core.cli import terminal
    from grice_core.cli.local_copies import local_detector
    from grice_core.detector.label_errors import rank_label_errors
    from grice_core.detector.labels import load_labels
    from grice_core.detector.load import load_detector
    from grice_core.detector.unseen import unseen_texts
    from grice_core.kernels.precision import resolve_device

    with local_detector(detector) as folder, terminal.progress_bars() as progress:
        judge = load_detector(folder, resolve_device(device), precision)
        unseen = unseen_texts(judge, load_labels(labels, progress))
        probabilities = judge.probabilities(judge.judge(unseen.test.texts, progress=progress))
    how = unseen.note or "The detector was trained on none of these texts."
    return rank_label_errors(unseen.test, probabilities, how)


def _cross_validated(
    labels: Path, encoder: str, training: tuple[int, int, int], place: "tuple[str, NumberFormat]"
) -> "LabelErrors":
    from grice_core.cli import terminal
    from grice_core.detector.cross_validation import cross_validated
    from grice_core.detector.fit import FitSettings, Place
    from grice_core.detector.label_errors import rank_label_errors
    from grice_core.detector.labels import load_labels
    from grice_core.detector.student import new_student
    from grice_core.kernels.precision import resolve_device, resolve_precision

    folds, epochs, seed = training
    target = resolve_device(place[0])
    where = Place(target, resolve_precision(place[1], target))
    with terminal.progress_bars() as progress:
        labelled = load_labels(labels, progress)
        probabilities = cross_validated(
            labelled,
            lambda: new_student(encoder, "cls", where, seed),
            FitSettings(epochs=epochs, seed=seed),
            folds,
            progress,
        )
    how = f"Each text was judged by one of {folds} detectors, trained on the other dialogues."
    return rank_label_errors(labelled, probabilities, how)


def _show(found: "LabelErrors", labels: Path, out: Path | None) -> None:
    from rich.table import Table
    from rich.text import Text

    from grice_core.cli import terminal
    from grice_core.cli.detector import tables

    console = terminal.stdout()
    likely = [one for one in found.ranked if one.likely]
    console.print(
        f"{len(likely):,} labels of {found.num_texts:,} texts are probably wrong: "
        + ", ".join(f"{maxim} {count:,}" for maxim, count in found.num_likely.items()),
        highlight=False,
    )
    table = Table(box=None, pad_edge=False)
    for title in ("maxim", "row", "label", "probability"):
        table.add_column(title, justify="left" if title == "maxim" else "right")
    table.add_column("response", no_wrap=True, overflow="ellipsis")
    for one in likely[:_NUM_SHOWN]:
        figures = (one.maxim, f"{one.row:,}", f"{int(one.violated)}", f"{one.probability:.2f}")
        table.add_row(*figures, Text(one.text.response))
    if likely:
        console.print(table)
    tables.say([found.how])
    if out is not None:
        step = f"next: fill in `decision` in {out}, then\n      grice detector correct-labels {labels} --decisions {out}"
        tables.say([step], style="dim")
