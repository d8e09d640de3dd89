"""What a pipeline is asked to do."""

from dataclasses import dataclass
from pathlib import Path

from grice_core.evaluation.selection import Half
from grice_core.pipeline.options import PipelineOptions
from grice_core.pipeline.sources import Source
from grice_core.recipes.config import Recipe


@dataclass(frozen=True)
class AskedHalf:
    """Half of the evaluation prompts, the same whatever a pipeline's own seed is."""

    half: Half
    seed: int
    """Chooses the prompts of which it is a half."""


@dataclass(frozen=True)
class PipelineConfig(PipelineOptions):
    """One recipe on one data set with one base model, judged by one detector."""

    data: Source
    """Preference pairs; unscored ones are scored by the detector first."""
    eval: Source
    """Evaluation prompts: a file of prompts, or of pairs."""
    base: str
    """Hub id or folder of the base model."""
    detector: str
    """Detector folder, or hub id of a four-label classifier."""
    recipe: Recipe
    out: Path
    second_judge: str | None = None
    """Another detector that judges all answers beside the first; the verdict then needs both."""
    asked: AskedHalf | None = None
    """Only these of the evaluation prompts, where settings are searched; None: all. What is trained on does not
    depend on the half."""
    device: str = "auto"
    overwrite: bool = False
    """Whether an earlier pipeline's results in `out` may be replaced."""
    resume: bool = False
    """Whether to continue with the same pipeline, interrupted, in `out`."""
