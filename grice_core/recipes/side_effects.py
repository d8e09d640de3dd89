"""What a cut teaches besides: on maxims that a stage does not train, by wrong signs, by length.

A loss of whole responses pushes all that tells chosen from rejected, whether or not it counts in a
pair's weight.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grice_core.data.filters import FilterResult
from grice_core.data.lengths import Words, mean_words
from grice_core.data.pairs import PairTable
from grice_core.formatting import number, signed
from grice_core.maxims import MAXIMS, Maxim
from grice_core.recipes.config import StageConfig
from grice_core.recipes.plan import PlannedStage
from grice_core.recipes.summary import OPPOSITE, StageSummary, summarise

_BOUND = number(OPPOSITE)


@dataclass(frozen=True)
class MaximEffect:
    """What the kept pairs of a stage teach on one maxim."""

    maxim: Maxim
    is_trained: bool
    """Whether the maxim counts in a pair's weight."""
    kept: int
    mean: float | None
    """Of the data margins; None if nothing is kept."""
    negative: int
    """Kept pairs with the wrong sign."""
    opposite: int
    """Kept pairs that teach the opposite: margin below `OPPOSITE`."""

    @property
    def is_opposite(self) -> bool:
        """Whether most pairs teach the opposite, or the mean does."""
        return self.mean is not None and (self.mean < OPPOSITE or 2 * self.opposite > self.kept)

    @property
    def shown_mean(self) -> str:
        """`−0.24`, `+0.74`."""
        return "–" if self.mean is None else signed(self.mean)

    @property
    def counted(self) -> str:
        """`135 of 194 pairs below −0.10, mean −0.24`."""
        return f"{self.opposite:,} of {self.kept:,} pairs below {_BOUND}, mean {self.shown_mean}"


@dataclass(frozen=True)
class StageEffects:
    """What a stage teaches, wanted and unwanted."""

    stage: StageConfig
    maxims: tuple[MaximEffect, ...]
    words: Words | None
    """None if nothing is kept."""

    @property
    def opposites(self) -> tuple[MaximEffect, ...]:
        """The maxims on which it teaches the opposite."""
        return tuple(effect for effect in self.maxims if effect.is_opposite)

    @property
    def length(self) -> str | None:
        """`19.7 words chosen, 29.3 rejected`; None if nothing is kept."""
        if self.words is None:
            return None
        return f"{self.words.chosen:.1f} words chosen, {self.words.rejected:.1f} rejected"

    def warnings(self) -> Iterator[str]:
        """One sentence for each thing that speaks against the cut."""
        for effect in self.opposites:
            kind = "" if effect.is_trained else ", as a side effect"
            yield (
                f"{self.stage.name} may teach the opposite on {effect.maxim}{kind}: {effect.counted}"
            )
        if self.words is not None and self.words.teaches:
            yield f"{self.stage.name} may teach {self.words.teaches} responses: {self.length}"


def effects_of(stages: Sequence[PlannedStage], table: PairTable) -> tuple[StageEffects, ...]:
    """What some stages that were cut out of a table teach."""
    filtered: dict[str, FilterResult] = {stage.config.name: stage.filtered for stage in stages}
    summary = summarise(filtered, table.margins)
    return tuple(
        effects_of_stage(stage, numbers, table)
        for stage, numbers in zip(stages, summary.stages, strict=True)
    )


def effects_of_stage(stage: PlannedStage, numbers: StageSummary, table: PairTable) -> StageEffects:
    """The same of one stage, whose kept pairs are summed up already."""
    weights = stage.config.weights.as_array()
    maxims = tuple(
        MaximEffect(
            maxim=maxim,
            is_trained=bool(weights[maxim.column] > 0),
            kept=numbers.kept,
            mean=numbers.margins[maxim].mean,
            negative=numbers.margins[maxim].negative,
            opposite=numbers.margins[maxim].opposite,
        )
        for maxim in MAXIMS
    )
    return StageEffects(stage.config, maxims, mean_words(table, stage.kept_indices))
