"""A stage's metrics for other programs, through accelerate's trackers: TensorBoard, Trackio, MLflow, W&B.

All of them write to this machine unless their own variables say otherwise (`MLFLOW_TRACKING_URI`, `WANDB_MODE`,
`TRACKIO_DIR`, `TRACKIO_SPACE_ID`); none of them reports its use.
"""

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from grice_core.dpo.metrics import Metrics
from grice_core.errors import InputError
from grice_core.pipeline.options import ReportTo
from grice_core.settings import settings

PROJECT = "grice-studio"
_PACKAGES: dict[ReportTo, str] = {
    "tensorboard": "tensorboard",
    "trackio": "trackio",
    "mlflow": "mlflow",
    "wandb": "wandb",
}
_NO_TELEMETRY = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",
}


def check_reporting(report_to: ReportTo) -> None:
    """Raises: InputError, if the package that it takes is not installed."""
    package = _PACKAGES.get(report_to)
    if package is not None and importlib.util.find_spec(package) is None:
        raise InputError(
            f"--report-to {report_to} needs the package {package}: pip install "
            f"'grice-studio[{report_to}]', or leave the option out"
        )


@dataclass(frozen=True)
class TrackedStage:
    """What a tracker gets of a stage before its first step."""

    run: str
    """What the training is called."""
    events: Path
    """TensorBoard's folder."""
    config: Mapping[str, Any]
    """The stage's settings."""


class StageTracker:
    """Reports one stage to the tracker of choice; `none`: to no one."""

    def __init__(self, report_to: ReportTo, stage: TrackedStage) -> None:
        self._make = _TRACKERS.get(report_to)
        self._stage = stage
        self._tracker: Any = None

    @classmethod
    def silent(cls) -> Self:
        """Reports to no one."""
        return cls("none", TrackedStage("", Path(), {}))

    def start(self, step: int) -> None:
        """Begin after so many steps; a training that continues is a run of its own, but for TensorBoard, which
        withdraws what the interrupted one reported of later steps."""
        if self._make is None:
            return
        for name, value in _NO_TELEMETRY.items():
            os.environ.setdefault(name, value)
        with _calling_trackers():
            self._tracker = self._make(self._stage, step)
            self._tracker.start()
            if self._make is not _tensorboard:  # which would write a run of its own for it
                self._tracker.store_init_configuration(_flat(self._stage.config))

    def add(self, record: Metrics) -> None:
        """Report one step's metrics, by the names of `history.jsonl`."""
        if self._tracker is not None:
            values = {name: float(value) for name, value in record.items() if name != "step"}
            with _calling_trackers():
                self._tracker.log(values, step=int(record["step"]))

    def close(self) -> None:
        """Write what is still in memory."""
        if self._tracker is not None:
            with _calling_trackers():
                self._tracker.finish()


@contextmanager
def _calling_trackers() -> Iterator[None]:
    """With the state that accelerate's trackers ask for even to log, and without their words on stdout.

    Where several processes train, it is there; else it must not stay, since it would decide how later ones do.
    """
    from accelerate.state import PartialState

    is_ours = not PartialState._shared_state
    if is_ours:
        PartialState(cpu=True)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if is_ours:
            PartialState._reset_state()


def _tensorboard(stage: TrackedStage, step: int) -> Any:
    from accelerate.tracking import TensorBoardTracker

    folder = stage.events
    return TensorBoardTracker(folder.name, logging_dir=folder.parent, purge_step=step + 1)


def _trackio(stage: TrackedStage, step: int) -> Any:
    os.environ.setdefault("TRACKIO_DIR", str(_folder("trackio")))
    from accelerate.tracking import TrackioTracker

    return TrackioTracker(
        PROJECT, name=_named(stage, step), embed=False, auto_log_cpu=False, auto_log_gpu=False
    )


def _mlflow(stage: TrackedStage, step: int) -> Any:
    database = _folder("mlflow") / "mlflow.db"
    os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    from accelerate.tracking import MLflowTracker

    return MLflowTracker(PROJECT, run_name=_named(stage, step))


def _wandb(stage: TrackedStage, step: int) -> Any:
    os.environ.setdefault("WANDB_MODE", "offline")
    os.environ.setdefault("WANDB_DIR", str(_folder("wandb")))
    from accelerate.tracking import WandBTracker

    return WandBTracker(PROJECT, name=_named(stage, step), reinit="finish_previous")


_TRACKERS: dict[ReportTo, Callable[[TrackedStage, int], Any]] = {
    "tensorboard": _tensorboard,
    "trackio": _trackio,
    "mlflow": _mlflow,
    "wandb": _wandb,
}


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, str | float]:
    """`{"lora": {"r": 16}}` as `{"lora.r": 16}`; lists as text."""
    flat: dict[str, str | float] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value if isinstance(value, int | float) else str(value)
    return flat


def _named(stage: TrackedStage, step: int) -> str:
    return f"{stage.run} from step {step + 1}" if step else stage.run


def _folder(name: str) -> Path:
    """Where a tracker keeps its runs unless its own variable says otherwise."""
    folder = settings().home.absolute() / "tracking" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
