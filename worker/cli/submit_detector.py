"""`grice submit detector`: ask for a detector, and let the workers make it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from grice_core.cli.reading_options import LayoutName, Maps, Scales, reading_of
from grice_core.cli.terminal import stderr

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
    device: Device = "auto",
    layout: LayoutName = None,
    maps: Maps = None,
    scales: Scales = None,
) -> None:
    """Ask for a detector and print its run's id; asking again for the same gives the same one."""
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
    run_id = queue.submit_detector(request)
    typer.echo(run_id)
    stderr().print(f"Follow it with `grice runs follow {run_id}`.")
