"""The demo project's data and judge, put into the store when a user asks for them."""

import tempfile
from pathlib import Path

from app.state.detector_command import score
from app.state.studio import Studio
from grice_core.registry import Keeper

DEMO_SEED = 0
PAIRS, PROMPTS = "demo pairs", "demo prompts"
"""What its data sets are called."""


def open_demo(studio: Studio) -> int:
    """Keep the demo's pairs, scored by its detector; returns the data set's id.

    They are the same whenever the demo is opened.

    Raises:
        InputError: the demo's models are missing.
        DetectorError: they can't be used.
    """
    from grice_core.demo.project import demo_models, write_demo_data

    keeper = Keeper(studio.database, studio.artifacts)
    detector = demo_models().detector
    keeper.keep_detector(detector)
    with tempfile.TemporaryDirectory(dir=studio.scratch) as folder:
        data = write_demo_data(Path(folder), DEMO_SEED)
        keeper.keep_prompts(data.prompts, PROMPTS)
        scored = Path(folder) / "scored.json"
        score(data.pairs, detector, scored)
        return keeper.keep_pairs(scored, PAIRS).id
