"""The histograms that a stage is cut on: its four margins, and each number of several margins."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.ui.theme import MAXIM_COLOURS, SEVERAL_COLOUR
from grice_core.data.rules import CutLine
from grice_core.maxims import MAXIMS, Maxim
from grice_core.recipes.config import StageConfig
from grice_core.recipes.thresholds import Threshold, stage_thresholds


@dataclass(frozen=True)
class Panel:
    """One histogram, and the thresholds whose lines cut through it."""

    counted: Maxim | Threshold
    """A maxim's margin, or the strength of a threshold's rule."""
    colour: str
    range: tuple[float, float]
    lines: tuple[tuple[Threshold, CutLine], ...]

    @property
    def title(self) -> str:
        return self.counted if isinstance(self.counted, Maxim) else self.counted.statistic


def stage_panels(stage: StageConfig) -> list[Panel]:
    """The panels of one stage."""
    found = stage_thresholds(stage)
    return [*_margin_panels(found), *_strength_panels(found)]


def _margin_panels(found: tuple[Threshold, ...]) -> Iterator[Panel]:
    for maxim in MAXIMS:
        lines = tuple((one, line) for one in found for line in one.rule.lines(maxim))
        yield Panel(maxim, MAXIM_COLOURS[maxim], (-1.0, 1.0), lines)


def _strength_panels(found: tuple[Threshold, ...]) -> Iterator[Panel]:
    for one in found:
        if one.rule.is_shown_apart:
            yield Panel(one, SEVERAL_COLOUR, one.range, ((one, CutLine()),))
