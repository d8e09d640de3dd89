"""Reading what users bring: never in the dashboard's own process."""

from functools import partial
from pathlib import Path

from grice_core.apart import Bounds, run_apart
from grice_core.data.fetching import fetch_into
from grice_core.data.layouts.opening import BY_LOOKS, Reading
from grice_core.data.load import LoadedPairs, load_pairs
from grice_core.data.places import find
from grice_core.data.source import GIB
from grice_core.progress import Progress, silent

_UNKNOWN_SIZE = GIB
"""Of what lies elsewhere, for the bounds of copying it."""


def read_apart(path: Path, progress: Progress = silent, reading: Reading = BY_LOOKS) -> LoadedPairs:
    """Read and check a file of pairs, or a folder of such.

    Raises:
        DataError: nothing of it can be used, or reading it takes too much time or memory.
    """
    bounds = Bounds.for_file(sum(part.size for part in find(path).parts))
    return run_apart(partial(load_pairs, path, reading=reading), path.name, bounds, progress)


def fetch_apart(address: str, folder: Path) -> Path:
    """Copy an address's data files below a folder; returns the file, or the folder of several.

    Raises:
        DataError: it can't be fetched, or takes too much time or memory.
    """
    bounds = Bounds.for_file(_UNKNOWN_SIZE)
    return run_apart(partial(fetch_into, folder, address), address, bounds)
