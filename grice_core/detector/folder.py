"""A detector's folder: its place, its record, its model card."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grice_core.detector.card import model_card
from grice_core.detector.record import RECORD_NAME, DetectorRecord, write_record
from grice_core.errors import OutputError
from grice_core.files import atomic_folder


def update_record(folder: Path, record: DetectorRecord) -> None:
    """Write a detector's record anew, and the model card that is made from it."""
    write_record(folder, record)
    (folder / "README.md").write_text(model_card(record), encoding="utf-8")


@dataclass(frozen=True)
class Destination:
    """Where a new detector's folder goes."""

    folder: Path
    overwrite: bool = False
    """Whether a detector that is there may be replaced."""


@contextmanager
def new_detector_folder(out: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder that takes the name `out` when the block ends well, and vanishes if not.

    Raises:
        OutputError: `out` is not empty and may not be overwritten, or is no detector's folder.
    """
    check_detector_folder(out, overwrite=overwrite)
    with atomic_folder(out) as folder:
        yield folder


def check_detector_folder(out: Path, *, overwrite: bool) -> None:
    """Refuse a place to write to that holds anything but a detector to be overwritten.

    Raises:
        OutputError: see `new_detector_folder`.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise OutputError(f"{out} is a file; --out names the folder to write the detector to")
    if not any(out.iterdir()):
        return
    if not overwrite:
        raise OutputError(f"{out} is not empty; name another folder, or add --overwrite")
    if not (out / RECORD_NAME).is_file():
        raise OutputError(
            f"{out} holds something other than a detector, which --overwrite would delete; "
            "name another folder"
        )
