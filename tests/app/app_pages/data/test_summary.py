"""What a data set is said to hold."""

import json
from pathlib import Path

from app.app_pages.data.page import summary_of
from app.state.studio import Studio
from grice_core.registry import Keeper, holds_prompts_alone
from grice_core.settings import Settings
from tests.app.samples import write_unscored_file


def test_prompts_alone_are_no_unscored_pairs(tmp_path: Path) -> None:
    studio = Studio.open(Settings(home=tmp_path))
    keeper = Keeper(studio.database, studio.artifacts)
    file = tmp_path / "prompts.json"
    file.write_text(json.dumps([{"prompt": "a"}, {"prompt": "b"}]))
    prompts = keeper.keep_prompts(file, "prompts.json")
    pairs = keeper.keep_pairs(write_unscored_file(tmp_path / "pairs.json"), "pairs.json")

    assert holds_prompts_alone(prompts)
    assert summary_of(prompts) == "**2** prompts without responses, to evaluate on."
    assert not holds_prompts_alone(pairs)
    assert summary_of(pairs).endswith("20 unscored.")
