"""What each stage of a recipe would learn from on given data, known before anything is trained."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grice_core.data.filters import OTHER_SOURCE, FilterResult, apply_filter, within
from grice_core.data.pairs import BoolArray, FloatArray, IntArray, PairTable
from grice_core.data.split import holdout_mask
from grice_core.recipes.config import Recipe, StageConfig

FEW_PAIRS = 50
"""A stage that trains on fewer pairs than this is trained with a warning."""
FROM_DATA = -1
"""Source of the data set's pairs; those that were sampled for a stage have its number, counted from 0."""


@dataclass(frozen=True, eq=False)
class PlannedStage:
    """One stage cut out of a data set."""

    config: StageConfig
    """Its settings; a control's `num_steps` is filled in."""
    filtered: FilterResult
    """What its filter decided about each pair of the table."""
    train_indices: IntArray
    """Kept pairs to learn from, ascending indices into the table."""
    heldout_indices: IntArray
    """Kept pairs whose prompt is held out, ascending indices into the table."""
    awaits_pairs: bool = False
    """Whether its pairs are sampled from the model only when the stage begins."""

    @property
    def kept_indices(self) -> IntArray:
        """All kept pairs, ascending indices into the table."""
        return np.flatnonzero(self.filtered.kept)

    @property
    def num_steps(self) -> int:
        """Optimizer steps of the stage; an epoch's last, smaller step counts."""
        if self.config.num_steps is not None:
            return self.config.num_steps
        if self.awaits_pairs:
            return self.config.max_steps or 0
        steps_per_epoch = math.ceil(len(self.train_indices) / self.config.pairs_per_step)
        return self.config.epochs * steps_per_epoch

    @property
    def fills_a_step(self) -> bool:
        """Whether there are training pairs for one whole optimizer step; if not, don't train."""
        return self.awaits_pairs or len(self.train_indices) >= self.config.pairs_per_step

    def counts(self) -> dict[str, Any]:
        """Pairs to train on, held out and dropped, those of another source left out, as JSON."""
        dropped = self.filtered.counts()
        return {
            "num_train": len(self.train_indices),
            "num_heldout": len(self.heldout_indices),
            "dropped": {
                reason: count
                for reason, count in dropped.items()
                if count and reason != OTHER_SOURCE
            },
        }

    @property
    def caution(self) -> str | None:
        """A sentence about a set that is too small to train on, or to learn much from."""
        if self.awaits_pairs:
            return None
        num_pairs = len(self.train_indices)
        count = (
            f"{self.config.name} has {num_pairs} training {'pair' if num_pairs == 1 else 'pairs'}"
        )
        if not self.fills_a_step:
            return (
                f"{count}, fewer than one optimizer step of {self.config.pairs_per_step}: training "
                "would be refused. Lower the filter's thresholds or bring more pairs."
            )
        if num_pairs < FEW_PAIRS:
            return f"{count}: expect little from fewer than {FEW_PAIRS}."
        return None


def plan_stages(
    recipe: Recipe,
    table: PairTable,
    seed: int,
    exclude: BoolArray | None = None,
    sources: IntArray | None = None,
) -> tuple[PlannedStage, ...]:
    """Cut a data set into each stage's training and held-out pairs.

    The prompts held out are the same in all stages. Pairs in the (N,) mask `exclude` leak into the
    evaluation and are dropped with that as their reason. `sources` as in `plan_margins`.
    """
    held_out = holdout_mask(table.prompts, recipe.holdout_share, seed)
    return plan_margins(recipe, table.margins, held_out, exclude, sources)


def plan_margins(
    recipe: Recipe,
    margins: FloatArray,
    held_out: BoolArray,
    exclude: BoolArray | None = None,
    sources: IntArray | None = None,
) -> tuple[PlannedStage, ...]:
    """`plan_stages` for anyone who knows which pairs are held out, which takes longest to find.

    Shapes: margins (N, 4) data margins, NaN = unscored; held_out and exclude (N,); sources (N,) `FROM_DATA`, or
    the number of the stage that a pair was sampled for; None: all are the data set's.
    """

    def cut(config: StageConfig, source: int) -> PlannedStage:
        own = _own_pairs(len(margins), source, sources)
        if own is None:
            filtered = apply_filter(config.filter, margins, exclude)
        else:
            excluded = None if exclude is None else exclude[own]
            filtered = within(own, apply_filter(config.filter, margins[own], excluded))
        return PlannedStage(
            config=config,
            filtered=filtered,
            train_indices=np.flatnonzero(filtered.kept & ~held_out),
            heldout_indices=np.flatnonzero(filtered.kept & held_out),
            awaits_pairs=source != FROM_DATA and own is not None and not own.any(),
        )

    stages = tuple(
        cut(config, number if config.is_from_model else FROM_DATA)
        for number, config in enumerate(recipe.stages)
    )
    if not recipe.control_stages:
        return stages
    num_steps = sum(
        cut(config, FROM_DATA).num_steps
        for config in recipe.control_stages
        if not config.is_from_model
    )
    return tuple(_with_num_steps(stage, num_steps) for stage in stages)


def _own_pairs(num_pairs: int, source: int, sources: IntArray | None) -> BoolArray | None:
    """(N,) the pairs of this source; None if that are all."""
    if sources is None:
        return None if source == FROM_DATA else np.zeros(num_pairs, dtype=np.bool_)
    own = sources == source
    return None if own.all() else own


def capped(stage: PlannedStage, num_steps: int) -> PlannedStage:
    """The same stage, with so many optimizer steps at most."""
    return _with_num_steps(stage, min(stage.num_steps, num_steps))


def _with_num_steps(stage: PlannedStage, num_steps: int) -> PlannedStage:
    # A control of stages without a single pair has no steps; its own plan says so by its pairs.
    return replace(stage, config=stage.config.model_copy(update={"num_steps": num_steps or None}))
