"""`grice demo`: the whole product on tiny models, offline; `grice demo build`: how these are made."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grice_core.cli.options import Overrides, RecipeName
from grice_core.cli.stopping import stop_on_signals
from grice_core.cli.terminal import progress_bars, stdout
from grice_core.cli.training import say, show_result

RECIPE, RECIPE_WITH_ROUNDS = "demo", "demo-own"

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grice_core.demo.truth import JudgedTwice

OutFolder = Annotated[Path, typer.Option(help="Folder for the results; must be empty.")]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1)]
Models = Annotated[
    Path | None, typer.Option(help="Folder made by `grice demo build`; the package's own if none.")
]
NumPairs = Annotated[int, typer.Option(min=50, help="Preference pairs to draw.")]
Rounds = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="After the stages, rounds of pairs sampled from the model itself (recipe demo-own).",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace what an earlier run left in --out.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue with an interrupted demo in --out.")
]
BuildFolder = Annotated[Path, typer.Option(help="Folder for the models.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(demo)
    group.command()(build)
    app.add_typer(group, name="demo")


def demo(
    context: typer.Context,
    out: OutFolder = Path("out/demo"),
    seed: Seed = 0,
    models: Models = None,
    recipe: RecipeName = RECIPE,
    overrides: Overrides = None,
    rounds: Rounds = None,
    pairs: NumPairs = 2500,
    overwrite: Overwrite = False,
    resume: Resume = False,
) -> None:
    """Tune a tiny model on synthetic dialogues, for real and offline, in a few minutes."""
    if context.invoked_subcommand:
        return
    if overwrite and resume:
        raise typer.BadParameter("--overwrite and --resume exclude each other")
    if rounds is not None and recipe not in (RECIPE, RECIPE_WITH_ROUNDS):
        raise typer.BadParameter("--rounds is of the demo's own recipe: leave out --recipe")
    from grice_core.demo.run import DemoConfig, run_demo
    from grice_core.progress import Reporter
    from grice_core.recipes.load import load_recipe
    from grice_core.store.kept import kept_work

    config = DemoConfig(
        out=out,
        seed=seed,
        models=models,
        recipe=load_recipe(recipe, overrides or [])
        if rounds is None
        else load_recipe(RECIPE_WITH_ROUNDS, [f"round.rounds={rounds}", *(overrides or [])]),
        num_pairs=pairs,
        overwrite=overwrite,
        resume=resume,
    )
    with progress_bars() as progress, stop_on_signals() as should_stop:
        result = run_demo(config, Reporter(progress, say, should_stop), kept_work())
    show_result(result.pipeline)
    _show_truth(result.judged)
    stdout().print(
        f"\nRead the answers side by side in {out / 'generations.jsonl'}.\n"
        "Next: `grice check PAIRS` looks at pairs of your own, `grice up` opens the dashboard.",
        highlight=False,
        soft_wrap=True,
    )


def build(
    out: BuildFolder = Path("out/demo-models"), seed: Seed = 0, overwrite: Overwrite = False
) -> None:
    """Make the demo's tokenizer, base model and detector from nothing, in some minutes."""
    from grice_core.demo.project import check_is_free

    check_is_free(out, overwrite=overwrite)  # before torch is loaded, which takes seconds
    from grice_core.demo.build import BuildConfig, build_models

    with progress_bars() as progress:
        build_models(out, BuildConfig(seed=seed), progress, overwrite=overwrite)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / 1e6
    stdout().print(f"Made {out / 'base'} and {out / 'detector'} ({size:.1f} MB).")
    stdout().print(f"Try them: grice demo --models {out}")


def _show_truth(judged: "Sequence[JudgedTwice]") -> None:
    """The detector's rates beside those of the rules that the answers were made by."""
    from rich.table import Table

    from grice_core.evaluation.numbers import percent

    console = stdout()
    console.print("\nThe same answers, judged by the rules of the demo's language (the truth):\n")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for one in judged:
        table.add_column(one.model, justify="right", no_wrap=True)
        table.add_column("agrees", justify="right", style="dim", no_wrap=True)
    for measure in judged[0].oracle:
        cells = [
            cell
            for one in judged
            for cell in (percent(one.oracle[measure]), percent(one.agreement[measure]))
        ]
        table.add_row(measure, *cells)
    console.print(table)
