"""The demo project's data, put into the store when somebody asks for it."""

import tempfile
from pathlib import Path

from app.studio import Studio
from grice_core.pipeline.keeping import Keeper

DEMO_SEED = 0


def open_demo(studio: Studio) -> int:
    """Keep the demo's pairs, the same whenever it is opened; returns the data set's id."""
    from grice_core.demo.project import write_demo_data

    with tempfile.TemporaryDirectory(dir=studio.scratch) as folder:
        data = write_demo_data(Path(folder), DEMO_SEED)
        return Keeper(studio.database, studio.artifacts).keep_pairs(data.pairs, "demo pairs").id
