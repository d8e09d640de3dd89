"""The demo from end to end: the ordinary pipeline on the demo's project, and the oracle's word."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grice_core.demo.project import NUM_PAIRS, RECIPE, demo_models, write_demo_data
from grice_core.demo.truth import JudgedTwice, judge_twice, truth_document
from grice_core.files import write_json_atomic
from grice_core.kept import Kept
from grice_core.pipeline.config import PipelineConfig
from grice_core.pipeline.output import open_output
from grice_core.progress import Reporter
from grice_core.recipes.config import Recipe
from grice_core.recipes.load import load_recipe

if TYPE_CHECKING:
    from grice_core.pipeline.run import PipelineResult

ORACLE_FILE = "oracle.json"
DATA_FOLDER = "data"


@dataclass(frozen=True)
class DemoConfig:
    """What `grice demo` can be asked for."""

    out: Path
    seed: int = 0
    models: Path | None = None
    """Folder that `grice demo build` wrote; the package's own models if not given."""
    recipe: Recipe | None = None
    """The demo's own recipe if not given."""
    num_pairs: int = NUM_PAIRS
    samples_per_prompt: int = 1
    """Answers of each model to each evaluation prompt."""
    overwrite: bool = False
    resume: bool = False


@dataclass(frozen=True, eq=False)
class DemoResult:
    """What the pipeline came to, and how far its detector can be believed."""

    pipeline: "PipelineResult"
    judged: list[JudgedTwice]
    """Baseline and stages."""


def run_demo(
    config: DemoConfig, reporter: Reporter | None = None, kept: Kept | None = None
) -> DemoResult:
    """Draw the data, run the pipeline on it, judge all answers by the rules as well.

    Raises: GriceError of the part that went wrong.
    """
    models = demo_models(config.models)
    recipe = config.recipe or load_recipe(RECIPE)
    if not config.resume:
        stages = tuple(stage.name for stage in recipe.stages)
        open_output(config.out, overwrite=config.overwrite, stages=stages)
    # Torch takes seconds to load: only once there is nothing to refuse.
    from grice_core.pipeline.run import run_pipeline

    data = write_demo_data(config.out / DATA_FOLDER, config.seed, config.num_pairs)
    result = run_pipeline(
        PipelineConfig(
            data=data.pairs,
            eval=data.prompts,
            base=str(models.base),
            detector=str(models.detector),
            recipe=recipe,
            out=config.out,
            seed=config.seed,
            samples_per_prompt=config.samples_per_prompt,
            overwrite=not config.resume,  # `out` was made or emptied above
            resume=config.resume,
        ),
        reporter,
        kept,
    )
    judged = judge_twice(result.evaluation.models, data.dialogues)
    write_json_atomic(config.out / ORACLE_FILE, truth_document(judged))
    return DemoResult(result, judged)
