"""Ranges to begin with, around the values that a recipe has."""

from collections.abc import Iterator

from grice_core.objectives import OBJECTIVES
from grice_core.recipes.config import BetaRamp, Recipe, StageConfig
from grice_core.recipes.thresholds import stage_thresholds
from grice_core.sweep.space import Choices, Range, Varied

_AROUND = 3.0
"""Rates and strengths are searched from a third of their value to three times it."""
_THRESHOLD_AROUND = 0.2


def suggested(recipe: Recipe) -> dict[str, Varied]:
    """By its field's name, what is worth varying: the last stage's settings first, as they cost least."""
    stages = recipe.stages[::-1]
    found = [varied for stage in stages for varied in _of_stage(stage)]
    if recipe.holdout_share:
        choosing = [stage.name for stage in stages if not stage.stop_when_retention_lost]
        found += [Choices(f"{name}.keep", ("last", "best")) for name in choosing]
    return {each.name: each for each in found}


def _of_stage(stage: StageConfig) -> Iterator[Varied]:
    if not isinstance(stage.beta, BetaRamp):
        yield _around(f"{stage.name}.beta", stage.beta)
    yield _around(f"{stage.name}.learning_rate", stage.learning_rate)
    if stage.num_steps is None:
        yield Range(
            f"{stage.name}.epochs", 1, max(3, stage.epochs + 1), is_whole=True, is_log=False
        )
    else:
        fewest, most = max(1, stage.num_steps // 2), 2 * stage.num_steps
        yield Range(f"{stage.name}.num_steps", fewest, most, is_whole=True, is_log=False)
    yield Choices(f"{stage.name}.loss_type", _losses())
    yield Range(f"{stage.name}.sft_weight", 0.0, 0.5, is_whole=False, is_log=False)
    yield Choices(f"{stage.name}.lora.r", ("8", "16", "32"))
    for threshold in stage_thresholds(stage):
        low, high = (threshold.above + by for by in (-_THRESHOLD_AROUND, _THRESHOLD_AROUND))
        yield Range(threshold.name, round(low, 4), round(high, 4), is_whole=False, is_log=False)


def _around(name: str, value: float) -> Range:
    low, high = (float(f"{each:.2g}") for each in (value / _AROUND, value * _AROUND))
    return Range(name, low, high, is_whole=False, is_log=True)


def _losses() -> tuple[str, ...]:
    """Those that need no setting of their own."""
    return tuple(name for name, kind in OBJECTIVES.items() if not kind.settings())
