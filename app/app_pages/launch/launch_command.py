"""A launch without a browser: the recipes as files, and the commands to give."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from grice_core.errors import RecipeError
from grice_core.pipeline.options import pipeline_options
from grice_core.recipes.config import Recipe
from grice_core.recipes.documents import to_yaml
from grice_core.recipes.load import builtin_names, load_recipe, parse_recipe
from worker.client import PipelineRequest


def recipe_files(requests: Sequence[PipelineRequest]) -> dict[str, str]:
    """The recipes of some requests, as YAML by the name of the file that a command reads."""
    return {f"{each.recipe.name}.yaml": _as_file(each.recipe) for each in requests}


def _as_file(recipe: Recipe) -> str:
    """A control finds the recipe that it controls for in the file beside it."""
    named = recipe.control_for
    if named is not None and named not in builtin_names():
        recipe = recipe.model_copy(update={"control_for": f"{named}.yaml"})
    return to_yaml(recipe)


@dataclass(frozen=True)
class Origin:
    """Where a recipe comes from, as commands say it."""

    recipe: Recipe
    """Before it was changed."""
    word: str
    """For `--recipe`."""
    overrides: tuple[str, ...]
    """For `--set`."""

    def words(self, recipe: Recipe) -> list[str] | None:
        """What makes just this recipe; None: only its file does."""
        if recipe == self.recipe:
            return ["--recipe", self.word]
        if recipe.name in builtin_names() and recipe == load_recipe(recipe.name):
            return ["--recipe", recipe.name]  # such as the control
        try:
            made = parse_recipe(to_yaml(self.recipe), "the recipe", self.overrides)
        except RecipeError:
            return None
        sets = [word for each in self.overrides for word in ("--set", each)]
        return ["--recipe", self.word, *sets] if made == recipe else None


@dataclass(frozen=True)
class Names:
    """What commands call a pipeline's inputs."""

    data: str
    prompts: str
    detector: str
    second_judge: str | None = None


def command(request: PipelineRequest, names: Names, recipe: Sequence[str], out: str) -> str:
    """The same job without a browser; `recipe` holds the words for the recipe."""
    holds_out = request.eval == request.data and request.leakage == "hold-out"
    parts = ["--data", names.data, *([] if holds_out else ["--eval", names.prompts])]
    parts += ["--base", request.base, "--detector", names.detector]
    parts += ["--second-judge", names.second_judge] if names.second_judge else []
    parts += recipe
    for option in pipeline_options():
        value = getattr(request, option.name)
        if value != option.default and not (holds_out and option.name == "leakage"):
            parts += [option.flag, str(value)]
    if request.trained_by is not None:  # its stages are in this installation's store
        return shlex.join(["grice", "submit", *parts, "--trained-by", str(request.trained_by)])
    return shlex.join(["grice", "pipeline", *parts, "--out", out])
