"""What `grice stages` shows to a person."""

from collections.abc import Sequence

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grice_core.formatting import number, signed
from grice_core.recipes.plan import PlannedStage
from grice_core.recipes.side_effects import MaximEffect, StageEffects
from grice_core.recipes.summary import OPPOSITE, MarginSummary, StagesSummary, StageSummary

_BAR_WIDTH = 32  # with the columns before it just within 80 characters


def stages_report(
    planned: Sequence[PlannedStage], summary: StagesSummary, effects: Sequence[StageEffects]
) -> Group:
    """One block per stage, then the stages' overlap."""
    blocks = [
        _stage_block(stage, numbers, taught, summary.num_pairs)
        for stage, numbers, taught in zip(planned, summary.stages, effects, strict=True)
    ]
    return Group(*blocks, *_overlap_lines(summary.overlap))


def _stage_block(
    stage: PlannedStage, numbers: StageSummary, effects: StageEffects, num_pairs: int
) -> Group:
    title = Text(stage.config.name, style="bold")
    if stage.config.title:
        title.append(f" · {stage.config.title}")
    title.append(f"   keeps {numbers.kept:,} of {num_pairs:,} ({100 * numbers.retention:.1f} %)")
    work = (
        f"{len(stage.train_indices):,} to train on, {len(stage.heldout_indices):,} held out, "
        f"{stage.num_steps:,} optimizer steps"
    )
    return Group(
        title,
        Text(f"  {work}\n", style="dim"),
        Padding(_waterfall(numbers, num_pairs), (0, 0, 1, 2)),
        Padding(_margins(numbers, effects), (0, 0, 0 if effects.length else 1, 2)),
        *([Text(f"  {effects.length}\n")] if effects.length else []),
    )


def _waterfall(numbers: StageSummary, num_pairs: int) -> Table:
    """Each reason takes its share off the bar of all pairs; what remains is kept."""
    table = _grid("pairs dropped for", "")
    table.add_column("", no_wrap=True)
    above = 0
    for reason, count in numbers.dropped.items():
        table.add_row(reason, f"{count:,}", Text(_bar(above, count, num_pairs), style="dim"))
        above += count
    kept = _bar(above, numbers.kept, num_pairs)
    table.add_row(Text("kept", style="bold"), f"{numbers.kept:,}", Text(kept, style="green"))
    return table


def _bar(start: int, count: int, total: int) -> str:
    """A piece of a bar of `total`, from `start`; at least a sliver if there is anything."""
    if not count:
        return ""
    left = min(round(start / total * _BAR_WIDTH), _BAR_WIDTH - 1)
    width = round((start + count) / total * _BAR_WIDTH) - left
    return " " * left + ("█" * width or "▏")


def _margins(numbers: StageSummary, effects: StageEffects) -> Table:
    table = _grid("data margin in kept pairs", "mean ± sd")
    table.add_column(f"< {number(OPPOSITE, 1)}", justify="right")
    table.add_column("")
    for effect in effects.maxims:
        margin = numbers.margins[effect.maxim]
        table.add_row(
            Text(effect.maxim.value, style="" if effect.is_trained else "dim"),
            _mean_sd(margin),
            Text(f"{effect.opposite:,}", style="red" if effect.is_opposite else ""),
            _sign(effect) if effect.is_trained else _aside(effect),
        )
    return table


def _sign(effect: MaximEffect) -> Text:
    """Of a trained maxim: whether its mean is positive, and how many pairs are not."""
    if effect.mean is None:
        return Text("no pairs", style="yellow")
    wrong = f"; {effect.negative:,} negative" if effect.negative else ""
    if effect.mean > 0:
        return Text(f"✓ mean > 0{wrong}", style="green")
    return Text(f"✗ mean ≤ 0{wrong}", style="red")


def _aside(effect: MaximEffect) -> Text:
    if effect.is_opposite:
        return Text("! teaches the opposite", style="red")
    return Text("side effect", style="dim")


def _mean_sd(margin: MarginSummary) -> str:
    if margin.mean is None or margin.std is None:
        return "–"
    return f"{signed(margin.mean, 3)} ± {margin.std:.3f}"


def _overlap_lines(overlap: dict[str, int]) -> list[Text]:
    return [
        Text(f"{stages.replace('&', ' and ')} share {count:,} {'pair' if count == 1 else 'pairs'}")
        for stages, count in overlap.items()
    ]


def _grid(first: str, second: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first, width=25, overflow="fold")
    table.add_column(second, justify="right", width=15)
    return table
