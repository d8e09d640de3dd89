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
    from grice_core.detector.folder import Destination
    from grice_core.detector.importing import import_checkpoint, import_classifier

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
    from grice_core.cli import terminal
    from grice_core.cli.detector import tables
    from grice_core.detector.record import HeadsArchitecture

    terminal.stdout().print(tables.settings_table(record, f"Detector {out}"))
    architecture = record.architecture
    if isinstance(architecture, HeadsArchitecture):
        widths = " → ".join(str(width) for width in (*architecture.hidden_widths, 1))
        kind = f"four heads (… → {widths}) on an encoder"
    else:
        kind = "a sequence classifier"
    terminal.stdout().print(
        f"{kind}, inputs of at most {record.max_length} tokens", highlight=False
    )
    tables.say([f"note: {remark}" for remark in record.remarks])
    steps = f"""next: grice detector evaluate {out} LABELS
      grice score FILE --detector {out} --out FILE"""
    tables.say([steps], style="dim")
