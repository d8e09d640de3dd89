"""A stage's metrics as TensorBoard events, for those who ask for them."""

from pathlib import Path
from typing import TYPE_CHECKING

from grice_core.dpo.metrics import Metrics
from grice_core.errors import InputError
from grice_core.pipeline.options import ReportTo

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def check_reporting(report_to: ReportTo) -> None:
    """Raises: InputError, if the package that it takes is not installed."""
    if report_to == "tensorboard":
        _writer_class()


class StageEvents:
    """The events of one stage; without a folder it does nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None

    def start(self, step: int) -> None:
        """Begin after so many steps; what an interrupted run reported of later ones is withdrawn."""
        if self._folder is not None:
            self._writer = _writer_class()(str(self._folder), purge_step=step + 1)

    def add(self, record: Metrics) -> None:
        """Tell one step's metrics."""
        if self._writer is None:
            return
        for name, value in record.items():
            if name != "step":
                self._writer.add_scalar(name, value, int(record["step"]))

    def close(self) -> None:
        """Write what is still in memory."""
        if self._writer is not None:
            self._writer.close()


def _writer_class() -> "type[SummaryWriter]":
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InputError(
            "--report-to tensorboard needs the package tensorboard: pip install "
            "'grice-studio[tensorboard]', or leave the option out"
        ) from error
    return SummaryWriter
