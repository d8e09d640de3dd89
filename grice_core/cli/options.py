"""Options of the commands that take a whole pipeline: `pipeline`, `estimate`, `submit`."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer


def num_processes(text: str) -> int | Literal["auto"]:
    """A number of processes, as it is given to a command.

    Raises: typer.BadParameter.
    """
    if text == "auto":
        return "auto"
    if not text.isdecimal() or int(text) < 1:
        raise typer.BadParameter("give a whole number from 1, or auto")
    return int(text)


_DATA = typer.Option(help="Preference pairs: JSON, JSONL, CSV or Parquet.")
_EVAL = typer.Option("--eval", help="Evaluation prompts: any file with a prompt field.")
_BASE = typer.Option(help="Base model: a hub id or a folder.")
_DETECTOR = typer.Option(help="Detector folder (see `grice detector import`), or a hub id.")

DataFile = Annotated[Path, _DATA]
EvalFile = Annotated[Path, _EVAL]
BaseName = Annotated[str, _BASE]
DetectorName = Annotated[str, _DETECTOR]
AnyDataFile = Annotated[Path | None, _DATA]
"""`Any…`: where the demo may take its place."""
AnyEvalFile = Annotated[Path | None, _EVAL]
AnyBaseName = Annotated[str | None, _BASE]
AnyDetectorName = Annotated[str | None, _DETECTOR]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Override a field: stage1.epochs=1."),
]
NumEval = Annotated[
    int | None,
    typer.Option(min=1, help="Evaluation prompts to use; the recipe's number if not given."),
]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1)]
PrecisionName = Annotated[
    Literal["auto", "fp32", "bf16"],
    typer.Option(help="Number format of matrix products; auto: bf16 where the hardware is fast."),
]
Leakage = Annotated[
    Literal["drop-eval", "drop-train", "keep"],
    typer.Option(help="Where prompts that stand in both files are left out."),
]
SamplesPerPrompt = Annotated[
    int, typer.Option(min=1, help="Responses of each model to each evaluation prompt.")
]

ReportTarget = Annotated[
    Literal["none", "tensorboard"],
    typer.Option(
        help="Also write each step's metrics where TensorBoard finds them (stageN/events)."
    ),
]
NumProcesses = Annotated[
    Any,
    typer.Option(
        parser=num_processes,
        metavar="N|auto",
        help="Processes that train together; auto: one for each GPU, on a CPU one.",
    ),
]
