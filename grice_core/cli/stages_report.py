"""What `grice stages` shows to a person."""

from collections.abc import Sequence

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grice_core.maxims import MAXIMS
from grice_core.recipes.plan import PlannedStage
from grice_core.recipes.summary import MarginSummary, StagesSummary, StageSummary

_BAR_WIDTH = 32  # with the columns before it just within 80 characters


def stages_report(planned: Sequence[PlannedStage], summary: StagesSummary) -> Group:
    """One block per stage, then the stages' overlap."""
    blocks = [
        _stage_block(stage, numbers, summary.num_pairs)
        for stage, numbers in zip(planned, summary.stages, strict=True)
    ]
    return Group(*blocks, *_overlap_lines(summary.overlap))


def _stage_block(stage: PlannedStage, numbers: StageSummary, num_pairs: int) -> Group:
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
        Padding(_margins(stage, numbers), (0, 0, 1, 2)),
    )


def _waterfall(numbers: StageSummary, num_pairs: int) -> Table:
    """Each reason takes its share off the bar of all pairs; what remains is kept."""
    table = _grid("pairs dropped for", "", "")
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


def _margins(stage: PlannedStage, numbers: StageSummary) -> Table:
    table = _grid("data margin in kept pairs", "mean ± sd", "")
    weights = stage.config.weights.as_array()
    for maxim in MAXIMS:
        margin = numbers.margins[maxim]
        trained = bool(weights[maxim.column] > 0)
        verdict = _sign(margin) if trained else Text("not trained here", style="dim")
        table.add_row(Text(maxim.value, style="" if trained else "dim"), _mean_sd(margin), verdict)
    return table


def _sign(margin: MarginSummary) -> Text:
    if margin.mean is None:
        return Text("no pairs", style="yellow")
    if margin.mean > 0:
        return Text("✓ positive", style="green")
    return Text("✗ should be positive", style="red")


def _mean_sd(margin: MarginSummary) -> str:
    if margin.mean is None or margin.std is None:
        return "–"
    mean = round(margin.mean, 3) + 0.0  # no −0.000
    return f"{mean:+.3f} ± {margin.std:.3f}".replace("-", "−")


def _overlap_lines(overlap: dict[str, int]) -> list[Text]:
    return [
        Text(f"{stages.replace('&', ' and ')} share {count:,} {'pair' if count == 1 else 'pairs'}")
        for stages, count in overlap.items()
    ]


def _grid(first: str, second: str, third: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first, width=25, overflow="fold")
    table.add_column(second, justify="right", width=15)
    table.add_column(third, no_wrap=True)
    return table
