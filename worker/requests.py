"""What can be asked of the queue, and what it answers, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grice_core.pipeline.options import PipelineOptions
from grice_core.pipeline.sources import UserFile
from grice_core.recipes.config import Recipe
from grice_core.store.states import Device
from grice_core.store.tables import DataSet, Detector
from worker.hardware import Hardware
from worker.spec import DetectorHow

DeviceChoice = Literal["auto", "cpu", "gpu"]


@dataclass(frozen=True)
class PipelineRequest(PipelineOptions):
    """A pipeline to be asked for."""

    data: Path | UserFile | DataSet
    """Files, or what the store has of them already."""
    eval: Path | UserFile | DataSet
    base: str
    """Hub id, or a folder that every worker sees."""
    detector: str | Detector
    """Detector folder, hub id of a four-label classifier, or a detector of the store."""
    recipe: Recipe
    second_judge: str | Detector | None = None
    """As the detector: another one that judges all answers beside it."""
    device: DeviceChoice = "auto"
    """auto: the GPU if a worker for one is there."""
    trained_by: int | None = None
    """A pipeline whose stages are evaluated on these prompts by this detector; nothing is trained."""


@dataclass(frozen=True)
class DetectorRequest:
    """A detector to be made by a run."""

    how: DetectorHow
    data: Path | UserFile
    """Labelled texts; to distil, scored pairs."""
    start: str | Detector
    """Encoder to start from: hub id, or a folder that every worker sees; or what to calibrate or evaluate."""
    name: str
    settings: Mapping[str, float] = field(default_factory=dict)
    """Fields of `FitSettings`."""
    device: DeviceChoice = "auto"


@dataclass(frozen=True)
class ImportRequest:
    """A foreign detector to be made one of ours by a run."""

    source: Path
    """A Detector V2 checkpoint, or the folder of a four-label classifier."""
    name: str
    encoder: str | None = None
    """The checkpoint's: hub id, or a folder that every worker sees."""
    temperatures: Path | None = None
    """A JSON object with one number per maxim; a checkpoint needs it."""


@dataclass(frozen=True)
class WorkerStatus:
    """A worker that listens."""

    name: str
    device: Device
    is_busy: bool
    hardware: Hardware
    writes_gguf: bool = False
    """Whether llama.cpp's converter is installed where it runs."""
