"""`grice detector import`: a foreign detector made a folder of ours."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grice_core.cli.detector.options import Out, Overwrite
from grice_core.errors import DetectorError

if TYPE_CHECKING:
    from grice_core.detector.record import DetectorRecord

_CHECKPOINTS = {".pt", ".pth", ".bin", ".ckpt"}


def import_(
    source: Annotated[
        str,
        typer.Argument(
            help="A Detector V2 checkpoint (.pt), or a Hugging Face classifier (folder or hub id) "
            "whose four labels are the maxims.",
            show_default=False,
        ),
    ],
    out: Out,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="The checkpoint's encoder: folder or hub id, such as microsoft/deberta-v3-base."
        ),
    ] = None,
    temperatures: Annotated[
        Path | None, typer.Option(help="JSON object with one temperature per maxim.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Make a foreign detector usable here; nothing in its file is run."""
    from grice_core.detector.importing import Destination, import_checkpoint, import_classifier

    destination = Destination(out, overwrite)
    if Path(source).suffix in _CHECKPOINTS:
        if encoder is None or temperatures is None:
            raise DetectorError(
                f"{source} is a checkpoint: give its encoder with --encoder (folder or hub id) and "
                "its temperatures with --temperatures (a JSON file)"
            )
        record = import_checkpoint(Path(source), encoder, temperatures, destination)
    elif encoder is not None:
        raise DetectorError(f"{source}: --encoder goes with a checkpoint file (.pt), not a folder")
    else:
        record = import_classifier(source, temperatures, destination)
    _show(record, out)


def _show(record: "DetectorRecord", out: Path) -> None:
    from rich.table import Table

    from grice_core.cli import terminal
    from grice_core.detector.record import HeadsArchitecture
    from grice_core.maxims import MAXIMS

    table = Table(title=f"Detector {out}", title_justify="left", box=None, pad_edge=False)
    table.add_column("maxim")
    table.add_column("temperature", justify="right")
    table.add_column("threshold", justify="right")
    for maxim in MAXIMS:
        temperature = record.temperatures.as_array()[maxim.column]
        threshold = record.thresholds.as_array()[maxim.column]
        table.add_row(maxim, f"{temperature:.3f}", f"{threshold:.3f}")
    terminal.stdout().print(table)
    architecture = record.architecture
    if isinstance(architecture, HeadsArchitecture):
        widths = " → ".join(str(width) for width in (*architecture.hidden_widths, 1))
        kind = f"four heads (… → {widths}) on an encoder"
    else:
        kind = "a sequence classifier"
    terminal.stdout().print(
        f"{kind}, inputs of at most {record.max_length} tokens", highlight=False
    )
    for remark in record.remarks:
        terminal.stderr().print(f"note: {remark}", style="yellow", highlight=False, soft_wrap=True)
    terminal.stderr().print(
        f"next: grice detector evaluate {out} LABELS\n"
        f"      grice score FILE --detector {out} --out FILE",
        style="dim",
        soft_wrap=True,
        highlight=False,
    )
