"""What needs torch is done by the `grice` command in a process of its own, never by a page."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.state.studio import Studio
from grice_core.errors import DetectorError
from grice_core.registry import Keeper
from grice_core.store.tables import Detector

_COMMAND = (sys.executable, "-c", "from app.cli import main; main()")
_PATIENCE_S = 900


@dataclass(frozen=True)
class Checkpoint:
    """A foreign Detector V2 checkpoint and what it goes with."""

    weights: Path
    encoder: str
    """Hub id or folder."""
    temperatures: Path


def import_checkpoint(studio: Studio, checkpoint: Checkpoint, name: str) -> Detector:
    """Import a checkpoint and keep it as a detector.

    Raises:
        DetectorError: it can't be used; nothing is kept then.
    """
    with tempfile.TemporaryDirectory(dir=studio.scratch) as folder:
        out = Path(folder) / name
        _grice(
            *("detector", "import", str(checkpoint.weights), "--encoder", checkpoint.encoder),
            *("--temperatures", str(checkpoint.temperatures), "--out", str(out)),
        )
        return _keep(studio, out)


def import_folder(studio: Studio, folder: Path) -> Detector:
    """Keep a folder that `grice detector` made, or import a four-label classifier from one.

    Raises:
        DetectorError: it is neither; nothing is kept then.
    """
    if (folder / "detector.json").exists():
        return _keep(studio, folder)
    with tempfile.TemporaryDirectory(dir=studio.scratch) as scratch:
        out = Path(scratch) / folder.name
        _grice("detector", "import", str(folder), "--out", str(out))
        return _keep(studio, out)


def score(pairs: Path, detector: Path, out: Path) -> None:
    """Score a file of pairs with the detector in a folder.

    Raises:
        DetectorError: one of them can't be used.
    """
    _grice("score", str(pairs), "--detector", str(detector), "--out", str(out))


def _keep(studio: Studio, folder: Path) -> Detector:
    return Keeper(studio.database, studio.artifacts).keep_detector(folder)


def _grice(*arguments: str) -> None:
    """Run a sub-command.

    Raises:
        DetectorError: it failed; with its own sentence.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own program, and no shell
            [*_COMMAND, *arguments],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DetectorError(
            f"this took longer than {_PATIENCE_S // 60} minutes and was given up; do it with the "
            f"command `grice {' '.join(arguments[:2])}`, which waits"
        ) from error
    if done.returncode:
        # Before the error, the command may have drawn bars.
        said = " ".join(done.stderr.rpartition("grice: ")[2].split())
        raise DetectorError(said[-600:] or "the command failed without saying why")
