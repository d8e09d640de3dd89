"""The demo's project: where its models are, its preference pairs, its evaluation prompts."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from random import Random

from grice_core.demo.corpus import draw_dialogues, known_things, new_things
from grice_core.demo.dialogue import Dialogue
from grice_core.demo.violations import cooperative, draw_answer
from grice_core.errors import InputError, OutputError
from grice_core.files import write_json_atomic

RECIPE = "demo"
NUM_PAIRS = 2500
NUM_MENTIONS = 2
"""Evaluation prompts about each new thing."""

BASE_FOLDER, DETECTOR_FOLDER, PAIRS_FOLDER = "base", "detector", "pairs"


@dataclass(frozen=True)
class DemoModels:
    """The folders of the two models that `grice demo build` makes."""

    base: Path
    detector: Path


@dataclass(frozen=True)
class DemoData:
    """The demo's files, and the truth behind them."""

    pairs: Path
    """Preference pairs, not scored yet: JSON list of `prompt`, `chosen`, `rejected`."""
    prompts: Path
    """Evaluation prompts about things that no model has seen: JSON list of `prompt`."""
    dialogues: dict[str, Dialogue]
    """What each evaluation prompt is about."""


def demo_models(folder: Path | None = None) -> DemoModels:
    """The models in a folder that was built, or those that come with the package.

    Raises:
        InputError: one of them is not there.
    """
    folder = folder or Path(str(resources.files("grice_core.demo") / "assets"))
    models = DemoModels(folder / BASE_FOLDER, folder / DETECTOR_FOLDER)
    for path in (models.base, models.detector):
        if not path.is_dir():
            raise InputError(f"{path} is missing: make the demo's models with `grice demo build`")
    return models


def check_is_free(out: Path, *, overwrite: bool) -> None:
    """Raises: OutputError, if models in this folder would be overwritten and may not be."""
    for folder in (out / BASE_FOLDER, out / DETECTOR_FOLDER):
        if folder.exists() and not overwrite:
            raise OutputError(f"{folder} exists; name another folder, or add --overwrite")


def write_demo_data(folder: Path, seed: int, num_pairs: int = NUM_PAIRS) -> DemoData:
    """Draw the demo's pairs and evaluation prompts; the same seed gives the same files."""
    folder.mkdir(parents=True, exist_ok=True)
    data = DemoData(
        pairs=folder / "pairs.json",
        prompts=folder / "prompts.json",
        dialogues={each.prompt: each for each in draw_dialogues(new_things() * NUM_MENTIONS, seed)},
    )
    write_json_atomic(data.pairs, _draw_pairs(num_pairs, seed))
    write_json_atomic(data.prompts, [{"prompt": prompt} for prompt in data.dialogues])
    return data


def _draw_pairs(number: int, seed: int) -> list[dict[str, str]]:
    """Pairs about known things: a cooperative response, and one that violates something."""
    rng = Random(seed)
    about = rng.choices(known_things(), k=number)
    return [
        {
            "prompt": dialogue.prompt,
            "chosen": cooperative(dialogue, rng).text,
            "rejected": draw_answer("rejected", dialogue, rng).text,
        }
        for dialogue in draw_dialogues(about, seed)
    ]
