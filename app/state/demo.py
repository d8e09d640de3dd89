"""The demo project's data and judge, put into the store when a user asks for them."""

import tempfile
from pathlib import Path

from app.state.studio import Studio
from grice_core.registry import Keeper

PAIRS, PROMPTS = "demo pairs", "demo prompts"
"""What its data sets are called."""


def open_demo(studio: Studio) -> int:
    """Keep the demo's detector, prompts and pairs with its scores; returns the data set's id.

    They are the same whenever the demo is opened.

    Raises:
        InputError: the demo's models, or its scores, are missing.
    """
    from grice_core.data.export import write_json
    from grice_core.demo.project import demo_models, write_demo_data
    from grice_core.demo.scores import SEED, with_scores

    keeper = Keeper(studio.database, studio.artifacts)
    detector = demo_models().detector
    keeper.keep_detector(detector)
    with tempfile.TemporaryDirectory(dir=studio.scratch) as folder:
        data = write_demo_data(Path(folder), SEED)
        keeper.keep_prompts(data.prompts, PROMPTS)
        scored = Path(folder) / "scored.json"
        write_json(scored, with_scores(data.pairs, detector.parent))
        return keeper.keep_pairs(scored, PAIRS).id
