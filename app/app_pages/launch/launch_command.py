"""A launch without a browser: the recipes as files, and the commands to give."""

import shlex
from collections.abc import Sequence

from grice_core.pipeline.options import pipeline_options
from grice_core.recipes.config import Recipe
from grice_core.recipes.documents import to_yaml
from grice_core.recipes.load import builtin_names
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


def command(request: PipelineRequest, names: tuple[str, str], recipe: str, out: str) -> str:
    """The same job without a browser; `names` are the files of pairs and of prompts, `recipe` one too."""
    data, prompts = names
    detector = request.detector if isinstance(request.detector, str) else request.detector.name
    holds_out = request.eval == request.data and request.leakage == "hold-out"
    parts = ["--data", data, *([] if holds_out else ["--eval", prompts]), "--base", request.base]
    parts += ["--detector", detector or "DETECTOR", "--recipe", recipe]
    for option in pipeline_options():
        value = getattr(request, option.name)
        if value != option.default and not (holds_out and option.name == "leakage"):
            parts += [option.flag, str(value)]
    if request.trained_by is not None:  # its stages are in this installation's store
        return shlex.join(["grice", "submit", *parts, "--trained-by", str(request.trained_by)])
    return shlex.join(["grice", "pipeline", *parts, "--out", out])
