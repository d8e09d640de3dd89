"""Options that several of the detector's commands take."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Out = Annotated[Path, typer.Option(help="Folder to write the detector to.", show_default=False)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, …")]
Precision = Annotated[
    Literal["auto", "fp32", "bf16"],
    typer.Option(help="auto: bf16 where the hardware multiplies it fast."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
