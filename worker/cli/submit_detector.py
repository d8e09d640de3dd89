"""`grice submit detector`: ask for a detector, and let the workers make it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from grice_core.cli.reading_options import LayoutName, Maps, Scales, reading_of
from grice_core.cli.terminal import stderr

if TYPE_CHECKING:
    from worker.client import DetectorRequest

How = Annotated[
    Literal["train", "distill", "calibrate", "evaluate"],
    typer.Argument(help="From labelled texts; from scored pairs; or only thresholds, or figures."),
]
Data = Annotated[Path, typer.Argument(help="Labelled texts; to distil, scored pairs.")]
Start = Annotated[
    str,
    typer.Option(
        help="Encoder to start from, hub id or folder; the detector to calibrate or evaluate."
    ),
]
Name = Annotated[str, typer.Option(help="What the new detector is called.")]
Epochs = Annotated[int, typer.Option(min=1)]
Seed = Annotated[int, typer.Option(min=0)]
Disjoint = Annotated[
    int,
    typer.Option(min=1, max=10, help="As `grice detector train` has it: a run for each part."),
]
Device = Annotated[
    Literal["auto", "cpu", "gpu"],
    typer.Option(help="Class of worker; auto: the GPU if a worker for one is there."),
]


def detector(
    how: How,
    data: Data,
    start: Start,
    name: Name,
    epochs: Epochs = 5,
    seed: Seed = 0,
    disjoint: Disjoint = 1,
    device: Device = "auto",
    layout: LayoutName = None,
    maps: Maps = None,
    scales: Scales = None,
) -> None:
    """Ask for a detector and print its run's id; asking again for the same gives the same one."""
    if disjoint > 1 and how != "train":
        raise typer.BadParameter("--disjoint splits labelled texts: it goes with train only")
    from grice_core.pipeline.sources import UserFile
    from grice_core.registry import Keeper
    from worker.client import DetectorRequest, RunQueue

    reading = reading_of(layout, maps, scales)
    if reading and how != "distill":
        raise typer.BadParameter(
            "--layout, --map and --scale are about pairs: labels are read as they are"
        )
    queue = RunQueue.open()
    has_detector = how in ("calibrate", "evaluate")
    request = DetectorRequest(
        how=how,
        data=UserFile(data, reading) if reading else data,
        start=Keeper(queue.database, queue.artifacts).keep_detector(Path(start).expanduser())
        if has_detector
        else start,
        name=name,
        settings={} if has_detector else {"epochs": epochs, "seed": seed},
        device=device,
    )
    for part in range(1, disjoint + 1):
        run_id = queue.detectors.train(_part(request, part, disjoint))
        typer.echo(run_id)
        stderr().print(f"Follow it with `grice runs follow {run_id}`.")


def _part(request: "DetectorRequest", part: int, num_parts: int) -> "DetectorRequest":
    """The request for a detector on one part of the labels."""
    if num_parts == 1:
        return request
    settings = {**request.settings, "num_parts": num_parts, "part": part}
    return replace(request, name=f"{request.name}, part {part} of {num_parts}", settings=settings)
