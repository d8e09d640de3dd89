"""`grice stages`: what each stage of a recipe would learn from."""

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grice_core.cli.local_copies import local_file
from grice_core.cli.reading_options import LayoutName, Maps, Scales, reading_of
from grice_core.progress import Progress

if TYPE_CHECKING:
    from grice_core.data.layouts.opening import Reading
    from grice_core.data.load import LoadedPairs
    from grice_core.data.pairs import FloatArray
    from grice_core.evaluation.reach import Reach
    from grice_core.recipes.config import Recipe
    from grice_core.recipes.plan import PlannedStage
    from grice_core.recipes.side_effects import StageEffects
    from grice_core.recipes.summary import StagesSummary

DEFAULT_RECIPE = "content-then-manner"
_SEED = 0  # the pipeline's default; it decides about the held-out prompts alone


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(stages)


def stages(
    file: Annotated[
        Path, typer.Argument(help="Scored preference pairs, or studio:NAME.", show_default=False)
    ],
    recipe: Annotated[
        str, typer.Option(help="Name of a built-in recipe, a YAML file, or studio:NAME.")
    ] = DEFAULT_RECIPE,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Override a setting: stage1.epochs=1."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write each stage's kept and dropped pairs to.")
    ] = None,
    layout: LayoutName = None,
    maps: Maps = None,
    scales: Scales = None,
) -> None:
    """Show what each stage of a recipe keeps, what it drops, and why."""
    from grice_core.cli import terminal
    from grice_core.data.load import load_pairs
    from grice_core.evaluation.reach import reach_of
    from grice_core.pipeline.addresses import chosen_recipe
    from grice_core.recipes.plan import plan_stages
    from grice_core.recipes.side_effects import effects_of
    from grice_core.recipes.summary import summarise

    settings = overrides or []
    reading = reading_of(layout, maps, scales)
    loaded_recipe = chosen_recipe(recipe, settings)
    with terminal.progress_bars() as progress, local_file(file) as path:
        loaded = load_pairs(path, progress, reading=reading)
        every = plan_stages(loaded_recipe, loaded.table, _SEED)
        planned = [stage for stage in every if not stage.awaits_pairs]
        if out is not None:
            _export(out, file, loaded, planned, progress)
    margins = loaded.table.margins
    summary = summarise({stage.config.name: stage.filtered for stage in planned}, margins)
    effects, reach = effects_of(planned, loaded.table), reach_of(loaded.table)
    if as_json:
        typer.echo(json.dumps(_document(summary, effects, reach), indent=2))
        return

    from grice_core.cli.stages_report import stages_report

    heading = f"{loaded_recipe.name} on {file.name}: {summary.num_pairs:,} pairs\n"
    typer.echo(heading)
    terminal.stdout().print(stages_report(planned, summary, effects))
    for stage in every:
        if stage.awaits_pairs:
            typer.echo(f"{stage.config.name}: its pairs are sampled from the model when it begins")
    remarks = [
        *loaded.notes,
        *_remarks(file, loaded, planned),
        *_besides(effects, reach, loaded_recipe),
    ]
    for remark in remarks:
        typer.secho(f"! {remark}", err=True, fg=typer.colors.YELLOW)
    if all(stage.fills_a_step for stage in planned):
        typer.echo(f"\nTrain with\n  {_pipeline_command(file, reading, recipe, settings)}")


def _export(
    folder: Path,
    source: Path,
    loaded: "LoadedPairs",
    planned: "Sequence[PlannedStage]",
    progress: Progress,
) -> None:
    from grice_core.data.export import SplitFiles, export_split
    from grice_core.errors import OutputError

    splits = [SplitFiles.of(folder, stage.config.file_stem) for stage in planned]
    if source.resolve() in {path.resolve() for files in splits for path in files.all()}:
        raise OutputError(
            f"{source} would be overwritten by what it is cut into; choose another --out"
        )
    num_files = sum(
        len(export_split(files, loaded.table, stage.filtered, progress))
        for files, stage in zip(splits, planned, strict=True)
    )
    typer.echo(f"wrote {num_files} files to {folder}", err=True)


def _remarks(file: Path, loaded: "LoadedPairs", planned: "Sequence[PlannedStage]") -> Iterator[str]:
    name = shlex.quote(str(file))
    num_unusable = loaded.report.num_rows - loaded.report.num_usable
    if num_unusable:
        yield f"{num_unusable:,} rows can't be used and are not counted; see grice check {name}"
    num_unscored = loaded.report.num_usable - loaded.report.num_scored
    if num_unscored:
        yield (
            f"{num_unscored:,} pairs are unscored, so no stage keeps them; "
            f"score them with grice score {name} --detector DIR --out scored.json"
        )
    for stage in planned:
        if stage.caution:
            yield stage.caution
            yield from _way_out(stage, loaded.table.margins)


def _way_out(stage: "PlannedStage", margins: "FloatArray") -> Iterator[str]:
    """Thresholds that would keep enough, as the Stages page names them."""
    from grice_core.recipes.plan import FEW_PAIRS
    from grice_core.recipes.suggest import out_of_reach, single_moves

    at_least = 2 * FEW_PAIRS
    moves = single_moves(stage.config, margins, at_least)
    if not moves:
        yield f"{stage.config.name}: {out_of_reach(stage.config, margins, at_least)}"
    for move in moves:
        setting = shlex.quote(f"{move.threshold.name}={move.above:.12g}")
        yield f"{stage.config.name} would keep {move.kept:,} with --set {setting}"


def _besides(
    effects: "Sequence[StageEffects]", reach: "Reach | None", recipe: "Recipe"
) -> Iterator[str]:
    """What the cut teaches besides, and whether the criterion is within reach."""
    for stage in effects:
        yield from stage.warnings()
    if reach is not None and not reach.is_met(recipe.evaluation):
        yield reach.sentence(recipe.evaluation)


def _document(
    summary: "StagesSummary", effects: "Sequence[StageEffects]", reach: "Reach | None"
) -> dict[str, Any]:
    """Everything as plain data."""
    document = summary.as_json()
    for stage, found in zip(document["stages"], effects, strict=True):
        stage["words"] = None if found.words is None else asdict(found.words)
    return document | {"reach": None if reach is None else asdict(reach)}


def _pipeline_command(file: Path, reading: "Reading", recipe: str, settings: Sequence[str]) -> str:
    command = ["grice", "pipeline", "--data", str(file), *reading.options(), "--base", "DIR"]
    command += ["--detector", "DIR", "--out", "out/"]
    if recipe != DEFAULT_RECIPE:
        command += ["--recipe", recipe]
    for setting in settings:
        command += ["--set", setting]
    return shlex.join(command)
