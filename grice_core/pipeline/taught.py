"""The part of a model card that says what the stages' pairs teach, wanted and unwanted."""

from collections.abc import Sequence

from grice_core.data.pairs import PairTable
from grice_core.formatting import number
from grice_core.recipes.plan import PlannedStage
from grice_core.recipes.side_effects import StageEffects, effects_of
from grice_core.recipes.summary import OPPOSITE

_BOUND = number(OPPOSITE)


def taught_section(stages: Sequence[PlannedStage], table: PairTable, reached: str = "") -> str:
    """Markdown: per stage and maxim the data margins of the kept pairs, warnings, lengths.

    Args:
        reached: how the data's own responses were judged, one sentence without its full stop.
    """
    effects = effects_of(stages, table)
    rows = "".join(_rows(stage) for stage in effects)
    warnings = [warning for stage in effects for warning in stage.warnings()]
    lengths = [f"{stage.stage.name}: {stage.length}" for stage in effects if stage.length]
    remarks = [*warnings, *lengths, *filter(None, [reached])]
    return f"""## What the pairs teach

Data margins (rejected − chosen score) of the pairs that each stage kept. A pair below {_BOUND} teaches the
opposite, also on a maxim that the stage gives no weight.

| stage | maxim | | mean | below 0 | below {_BOUND} | kept |
|---|---|---|---|---|---|---|
{rows}
{_list(remarks)}
"""


def _list(remarks: Sequence[str]) -> str:
    return "".join(f"- {remark}.\n" for remark in remarks)


def _rows(stage: StageEffects) -> str:
    return "".join(
        f"| {stage.stage.name} | {effect.maxim} | {'trained' if effect.is_trained else 'side effect'} "
        f"| {effect.shown_mean} | {effect.negative:,} | {effect.opposite:,} | {effect.kept:,} |\n"
        for effect in stage.maxims
    )
