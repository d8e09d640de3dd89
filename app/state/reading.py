"""Reading what users bring: never in the dashboard's own process."""

from functools import partial
from pathlib import Path

from grice_core.apart import Bounds, run_apart
from grice_core.data.layouts.opening import BY_LOOKS, Reading
from grice_core.data.load import LoadedPairs, load_pairs
from grice_core.progress import Progress, silent


def read_apart(path: Path, progress: Progress = silent, reading: Reading = BY_LOOKS) -> LoadedPairs:
    """Read and check a file of pairs.

    Raises:
        DataError: nothing of it can be used, or reading it takes too much time or memory.
    """
    bounds = Bounds.for_file(path.stat().st_size)
    return run_apart(partial(load_pairs, path, reading=reading), path.name, bounds, progress)
