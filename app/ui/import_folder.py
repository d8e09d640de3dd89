"""Files that lie on the server: what is too large to upload is taken from there."""

from collections import Counter
from pathlib import Path, PurePosixPath

from grice_core.errors import DataError

MAX_LISTED = 500
_DETECTOR_MARKS = ("detector.json", "config.json")
"""What lies in a detector's folder, or in a Hugging Face classifier's."""


def importable(folder: Path) -> list[str]:
    """The files below the import folder, as paths relative to it, hidden ones left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if not hidden and path.is_file() and _lies_in(folder, path):
            found.append(relative.as_posix())
        if len(found) == MAX_LISTED:
            break
    return found


def importable_data(folder: Path) -> list[str]:
    """The files below the import folder, and the folders that hold several, which end with a slash."""
    files = importable(folder)
    above = Counter(parent for name in files for parent in PurePosixPath(name).parents)
    folders = {f"{parent}/" for parent, count in above.items() if count > 1 and parent.name}
    return sorted([*files, *folders])


def importable_detectors(folder: Path) -> list[str]:
    """The folders below the import folder that look like detectors, not what lies in one of them."""
    names = {
        PurePosixPath(name).parent
        for name in importable(folder)
        if PurePosixPath(name).name in _DETECTOR_MARKS
    }
    outermost = (name for name in names if not names.intersection(name.parents))
    return sorted(name.as_posix() for name in outermost)


def locate(folder: Path, name: str, is_folder: bool = False) -> Path:
    """The file, or the folder, that a name stands for.

    Raises:
        DataError: it lies outside the import folder, links included, or is not there.
    """
    path = folder / name
    if not _lies_in(folder, path) or not (path.is_dir() if is_folder else path.is_file()):
        kind = "folder" if is_folder else "file"
        raise DataError(f"{name} is no {kind} in the import folder")
    if is_folder and not all(_lies_in(folder, inner) for inner in path.rglob("*")):
        raise DataError(f"{name} holds links that lead out of the import folder; import copies")
    return path


def _lies_in(folder: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
