"""The thresholds of a recipe: named, moved, and written as overrides.

A threshold's name is the override that sets it (`stage2.filter.manner.above`), so that what a slider
did can be put into a link, or handed to `--set` of the `grice` command.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from grice_core.data.rules import FilterRule, ThresholdRule
from grice_core.recipes.config import Recipe, StageConfig

_NAMES_ITSELF = re.compile(r"[^.=]*[^.=\d][^.=]*")


@dataclass(frozen=True)
class Threshold:
    """One number of a recipe that decides about pairs."""

    stage: str
    rule_index: int
    """Place of its rule in the stage's filter."""
    rule: ThresholdRule

    @property
    def above(self) -> float:
        return self.rule.above

    @property
    def name(self) -> str:
        """What `--set` calls it."""
        rule = self.rule.name
        # A name that holds a dot, or is a number, would be read as something else.
        key = rule if _NAMES_ITSELF.fullmatch(rule) else str(self.rule_index)
        return f"{self.stage}.filter.{key}.above"

    @property
    def statistic(self) -> str:
        """What is compared with it, in words: `|quantity| or |relation|`, `quantity + relation`."""
        return self.rule.statistic

    @property
    def range(self) -> tuple[float, float]:
        """Between which values moving it can make a difference."""
        return self.rule.range


def stage_thresholds(stage: StageConfig) -> tuple[Threshold, ...]:
    """The thresholds of a stage's filter, in the order of its rules."""
    return tuple(
        Threshold(stage.name, index, rule)
        for index, rule in enumerate(stage.filter)
        if isinstance(rule, ThresholdRule)
    )


def thresholds(recipe: Recipe) -> tuple[Threshold, ...]:
    """All thresholds of a recipe, stage by stage."""
    return tuple(found for stage in recipe.stages for found in stage_thresholds(stage))


def move(recipe: Recipe, moves: Mapping[str, float]) -> Recipe:
    """The recipe with some thresholds, by their names, at other values."""
    stages = tuple(move_in_stage(stage, moves) for stage in recipe.stages)
    return recipe.model_copy(update={"stages": stages})


def move_in_stage(stage: StageConfig, moves: Mapping[str, float]) -> StageConfig:
    """The stage with those of the thresholds that are its own at other values."""
    rules: list[FilterRule] = list(stage.filter)
    for found in stage_thresholds(stage):
        if found.name in moves:
            rules[found.rule_index] = found.rule.model_copy(update={"above": moves[found.name]})
    return stage.model_copy(update={"filter": tuple(rules)})


def moved(recipe: Recipe, origin: Recipe) -> Iterator[str]:
    """The overrides that turn the thresholds of `origin` into those of `recipe`, its descendant."""
    before = {found.name: found.above for found in thresholds(origin)}
    for found in thresholds(recipe):
        if found.above != before[found.name]:
            yield f"{found.name}={found.above:.12g}"
