"""`grice pipeline`: the whole job without a browser."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from grice_core.cli.processes import NumProcesses
from grice_core.cli.stopping import stop_on_signals
from grice_core.cli.terminal import progress_bars, stderr, stdout
from grice_core.durations import duration

if TYPE_CHECKING:
    from grice_core.pipeline.run import PipelineResult
    from grice_core.recipes.config import Recipe

HELDOUT_ACCURACY = "heldout/rewards/accuracies"

DataFile = Annotated[Path, typer.Option(help="Preference pairs: JSON, JSONL, CSV or Parquet.")]
EvalFile = Annotated[
    Path, typer.Option("--eval", help="Evaluation prompts: any file with a prompt field.")
]
BaseName = Annotated[str, typer.Option(help="Base model: a hub id or a folder.")]
DetectorName = Annotated[
    str, typer.Option(help="Detector folder (see `grice detector import`), or a hub id.")
]
OutFolder = Annotated[Path, typer.Option(help="Folder for the results; must be empty.")]
RecipeName = Annotated[str, typer.Option(help="Built-in recipe or YAML file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Override a field: stage1.epochs=1."),
]
NumEval = Annotated[
    int | None,
    typer.Option(min=1, help="Evaluation prompts to use; the recipe's number if not given."),
]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1)]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 …")]
PrecisionName = Annotated[
    Literal["auto", "fp32", "bf16"],
    typer.Option(help="Number format of matrix products; auto: bf16 where the hardware is fast."),
]
Leakage = Annotated[
    Literal["drop-eval", "drop-train", "keep"],
    typer.Option(help="Where prompts that stand in both files are left out."),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an earlier pipeline's results in --out.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with an interrupted pipeline in --out.")
]
SamplesPerPrompt = Annotated[
    int, typer.Option(min=1, help="Responses of each model to each evaluation prompt.")
]

ReportTarget = Annotated[
    Literal["none", "tensorboard"],
    typer.Option(
        help="Also write each step's metrics where TensorBoard finds them (stageN/events)."
    ),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(pipeline)


def pipeline(
    data: DataFile,
    evaluation: EvalFile,
    base: BaseName,
    detector: DetectorName,
    out: OutFolder,
    recipe: RecipeName = "content-then-manner",
    overrides: Overrides = None,
    num_eval: NumEval = None,
    seed: Seed = 0,
    device: Device = "auto",
    precision: PrecisionName = "auto",
    leakage: Leakage = "drop-eval",
    samples_per_prompt: SamplesPerPrompt = 1,
    report_to: ReportTarget = "none",
    num_processes: NumProcesses = "auto",
    overwrite: Overwrite = False,
    resume: Resume = False,
) -> None:
    """Train every stage of a recipe and compare baseline and stages, from files to verdict."""
    from grice_core.pipeline.config import PipelineConfig, Reporter
    from grice_core.pipeline.run import run_pipeline

    if overwrite and resume:
        raise typer.BadParameter("--overwrite and --resume exclude each other")
    config = PipelineConfig(
        data=data,
        eval=evaluation,
        base=base,
        detector=detector,
        recipe=chosen_recipe(recipe, overrides, num_eval),
        out=out,
        seed=seed,
        device=device,
        precision=precision,
        leakage=leakage,
        overwrite=overwrite,
        resume=resume,
        samples_per_prompt=samples_per_prompt,
        report_to=report_to,
        num_processes=num_processes,
    )
    with progress_bars() as progress, stop_on_signals() as should_stop:
        result = run_pipeline(config, Reporter(progress, say, should_stop))
    show_result(result)


def chosen_recipe(name: str, overrides: list[str] | None, num_eval: int | None) -> "Recipe":
    """The recipe that the options name."""
    from grice_core.recipes.load import load_recipe

    changes = [*(overrides or [])]
    if num_eval is not None:
        changes.append(f"evaluation.num_prompts={num_eval}")
    return load_recipe(name, changes)


def say(message: str) -> None:
    stderr().print(message, soft_wrap=True, highlight=False)


def show_result(result: "PipelineResult") -> None:
    """The comparison, what training did to the held-out pairs, and where everything is."""
    from rich.table import Table

    from grice_core.evaluation.table import render_comparison
    from grice_core.evaluation.verdict import judge

    console = stdout()
    evaluation = result.evaluation
    verdict = judge(evaluation.models, evaluation.config)
    console.print()
    console.print(render_comparison(evaluation.models, verdict))
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("", "pairs", "held out", "steps", "held-out accuracy", "time"):
        table.add_column(title, justify="left" if not title else "right", no_wrap=True)
    for stage in result.record["stages"]:
        table.add_row(*_stage_cells(stage))
    console.print(table)
    for warning in evaluation.warnings:
        console.print(f"! {warning}", style="yellow")
    console.print(
        f"\nEverything is in {result.output.path} (all {duration(result.record['seconds']['all'])})."
    )


def _stage_cells(stage: dict[str, Any]) -> list[str]:
    before, after = (
        f"{100 * stage[when][HELDOUT_ACCURACY]:.1f} %" if HELDOUT_ACCURACY in stage[when] else "–"
        for when in ("before", "after")
    )
    return [
        stage["name"],
        f"{stage['num_train']:,}",
        f"{stage['num_heldout']:,}",
        f"{stage['num_steps']:,}",
        f"{before} → {after}",
        duration(stage["seconds"]),
    ]
