"""Base, detector and pipelines, each made once and kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.real.base import make_base
from benchmarks.real.commands import Printed
from benchmarks.real.packages import encoder_folder, fetch
from grice_core.errors import DataError, OutputError
from grice_core.evaluation.results import EVALUATION_FILE
from grice_core.pipeline.output import OutputFolder
from grice_core.recipes.config import Recipe
from grice_core.recipes.load import load_recipe

RECIPE = "content-then-manner"
LEARNING_RATE, EPOCHS = 1e-4, 6
"""Of the detector: with the field's 2e-5 and 5 it learns little from so few texts."""

Rates = dict[str, dict[str, float]]
"""By model, then by maxim (violated) and `cooperative`; fractions."""


@dataclass(frozen=True)
class RealData:
    """The files that the benchmark reads."""

    folder: Path

    @property
    def pairs(self) -> Path:
        return self.folder / "scored_pairs.json"

    @property
    def prompts(self) -> Path:
        return self.folder / "unscored_pairs.json"

    @property
    def labels(self) -> Path:
        return self.folder / "detector_labels.json"

    def check(self) -> None:
        """Raises: DataError, if a file is missing."""
        for path in (self.pairs, self.prompts, self.labels):
            if not path.is_file():
                raise DataError(
                    f"there is no {path}: give --data a folder with the GriceBench project's "
                    f"{self.pairs.name}, {self.prompts.name} and {self.labels.name}"
                )


@dataclass(frozen=True)
class Workshop:
    """The folder of everything that the benchmark makes."""

    out: Path
    data: RealData
    device: str
    overrides: Sequence[str]
    recipe_name: str = RECIPE
    """Built-in, or a file of one's own."""
    second_judge: Path | None = None
    """Another detector's folder, which judges all answers too."""
    num_answers: int = 1
    """Of each model to each evaluated prompt."""

    @property
    def base(self) -> Path:
        return self.out / "base"

    @property
    def detector(self) -> Path:
        return self.out / "detector"

    def results(self, precision: str) -> Path:
        """Of a pipeline; another recipe's than the default one stand under its name."""
        recipe = self.recipe()
        return self.out / (precision if recipe.name == RECIPE else f"{recipe.name}-{precision}")

    def recipe(self) -> Recipe:
        """The one that pipelines run.

        Raises: RecipeError, if an override can't be used.
        """
        return load_recipe(self.recipe_name, self.overrides)

    def check(self) -> None:
        """Look at what is given before anything takes time.

        Raises: GriceError, if it can't be used.
        """
        self.data.check()
        self.recipe()

    def make_base(self) -> None:
        """The base model's folder, unless it is there.

        Raises: GriceError, if it can't be had.
        """
        if not self.base.is_dir():
            fetch(self.out / "packages")
            make_base(self.out / "packages", self.base)

    def make_detector(self) -> Printed:
        """The detector's folder, unless it is there, and what training it printed.

        Raises: GriceError, if it can't be had or trained.
        """
        printed = Printed(self.detector)
        if not self.detector.is_dir():
            fetch(self.out / "packages")
            options = {
                "--encoder": encoder_folder(self.out / "packages"),
                "--out": self.detector,
                "--learning-rate": LEARNING_RATE,
                "--epochs": EPOCHS,
                "--precision": "fp32",  # the same judge, whatever precision the pipelines have
                "--device": self.device,
            }
            printed.run(["detector", "train", str(self.data.labels), *_words(options)])
        return printed

    def run_pipeline(self, precision: str) -> Printed:
        """A pipeline's results and its table; unfinished ones are continued, finished ones left alone.

        Raises: GriceError, if it fails or finds another recipe's results.
        """
        folder = self.results(precision)
        printed = Printed(folder)
        found = OutputFolder(folder).read_run()
        if found and found["state"] == "finished":
            if not self._asked_for(found):
                raise OutputError(
                    f"{folder} holds results of other --set, --answers or --second-judge; give the same, or "
                    "another --out"
                )
            return printed
        options: dict[str, object] = {
            "--data": self.data.pairs,
            "--eval": self.data.prompts,
            "--base": self.base,
            "--detector": self.detector,
            "--out": folder,
            "--recipe": self.recipe_name,
            "--precision": precision,
            "--device": self.device,
            "--samples-per-prompt": self.num_answers,
        }
        if self.second_judge is not None:
            options["--second-judge"] = self.second_judge
        changes = [word for change in self.overrides for word in ("--set", change)]
        resume = ["--resume"] if found else []
        printed.run(["pipeline", *_words(options), *changes, *resume], goes_on=bool(found))
        return printed

    def _asked_for(self, record: Mapping[str, Any]) -> bool:
        """Whether a finished pipeline is the one that would be run."""
        return (
            record["recipe"] == self.recipe().model_dump(mode="json")
            and record["samples_per_prompt"] == self.num_answers
            and ("second_judge" in record["inputs"]) == (self.second_judge is not None)
        )

    def rates(self, precision: str) -> Rates:
        """What a finished pipeline found."""
        path = self.results(precision) / EVALUATION_FILE
        models = json.loads(path.read_text(encoding="utf-8"))["models"]
        return {
            model["name"]: {measure: found["rate"] for measure, found in model["rates"].items()}
            for model in models
        }


def _words(options: dict[str, object]) -> list[str]:
    """Options as a command takes them."""
    return [str(word) for option in options.items() for word in option]
