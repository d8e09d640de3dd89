"""Grice Studio's library: staged preference tuning by Gricean maxims, without a browser or a queue.

    >>> import grice_core as grice
    >>> pairs = grice.load_pairs("pairs.json")
    >>> stages = grice.plan_stages(grice.load_recipe("content-then-manner"), pairs.table, seed=0)
    >>> grice.frames.stages(stages)

`docs/python.md` walks from pairs to a paired interval. Importing this package loads nothing else:
a name's module is imported when the name is first used (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grice_core import frames
    from grice_core.api import (
        compare,
        load_detector,
        load_model,
        score,
        stage_trainer,
    )
    from grice_core.data.evaluation import check_pairs
    from grice_core.data.layouts.opening import Reading
    from grice_core.data.load import load_pairs, load_prompts
    from grice_core.evaluation.generation import generate
    from grice_core.evaluation.sampling import Sampling
    from grice_core.evaluation.stored import read_evaluation
    from grice_core.evaluation.violations import EvaluatedModel
    from grice_core.objectives import objective
    from grice_core.pipeline.config import PipelineConfig
    from grice_core.pipeline.run import run_pipeline
    from grice_core.recipes.load import load_recipe
    from grice_core.recipes.plan import plan_stages

__all__ = [
    "EvaluatedModel",
    "PipelineConfig",
    "Reading",
    "Sampling",
    "check_pairs",
    "compare",
    "frames",
    "generate",
    "load_detector",
    "load_model",
    "load_pairs",
    "load_prompts",
    "load_recipe",
    "objective",
    "plan_stages",
    "read_evaluation",
    "run_pipeline",
    "score",
    "stage_trainer",
]

_MODULES = {
    "EvaluatedModel": "evaluation.violations",
    "PipelineConfig": "pipeline.config",
    "Reading": "data.layouts.opening",
    "Sampling": "evaluation.sampling",
    "check_pairs": "data.evaluation",
    "compare": "api",
    "generate": "evaluation.generation",
    "load_detector": "api",
    "load_model": "api",
    "load_pairs": "data.load",
    "load_prompts": "data.load",
    "load_recipe": "recipes.load",
    "objective": "objectives",
    "plan_stages": "recipes.plan",
    "read_evaluation": "evaluation.stored",
    "run_pipeline": "pipeline.run",
    "score": "api",
    "stage_trainer": "api",
}
"""Where each name is defined; `frames` is a module itself."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name not in _MODULES:
        return import_module(f"{__name__}.{name}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value  # so that this function is asked once per name
    return value


def __dir__() -> list[str]:
    return list(__all__)
