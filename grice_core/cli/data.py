"""`grice check`: what a data file holds, what is wrong with it, and what to do."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from grice_core.cli.reading_options import EvalMaps, LayoutName, Maps, Scales, reading_of

if TYPE_CHECKING:
    from grice_core.data.layouts.opening import Reading
    from grice_core.data.load import LoadedPairs
    from grice_core.data.report import Problem
    from grice_core.dpo.shown import ShownPair


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(check)


def check(
    file: Annotated[
        Path,
        typer.Argument(
            help="Preference pairs: JSON, JSON Lines, CSV, Parquet, Arrow or Excel, also .gz or .zst; a "
            "folder, a pattern, or an address such as hf://datasets/OWNER/NAME.",
            show_default=False,
        ),
    ],
    evaluation: Annotated[
        Path | None,
        typer.Option(
            "--eval", help="Evaluation prompts; warns about prompts in both files, also nearly."
        ),
    ] = None,
    similarity: Annotated[
        float,
        typer.Option(
            min=0.5,
            max=1,
            help="From which on two prompts are nearly the same: shared word triples.",
        ),
    ] = 0.8,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="Folder or hub id; shows a pair as the model will see it, and warns about pairs "
            "that it can't be trained on."
        ),
    ] = None,
    prompt_format: Annotated[
        Literal["auto", "plain", "chat"],
        typer.Option(help="As the recipe has it; auto: the tokenizer's chat template if any."),
    ] = "auto",
    max_length: Annotated[
        int | None, typer.Option(min=8, help="Tokens of prompt and one response; 512 if not given.")
    ] = None,
    layout: LayoutName = None,
    maps: Maps = None,
    scales: Scales = None,
    eval_maps: EvalMaps = None,
) -> None:
    """Check a file of preference pairs, or of evaluation prompts, and say what to do about it."""
    from grice_core.cli import terminal
    from grice_core.data.layouts.opening import PromptsAloneError
    from grice_core.data.load import load_pairs

    if max_length is not None and tokenizer is None:
        raise typer.BadParameter("--max-length counts tokens, so it needs --tokenizer")
    if prompt_format != "auto" and tokenizer is None:
        raise typer.BadParameter("--prompt-format is about a tokenizer, so it needs --tokenizer")
    shown: ShownPair | None = None
    reading = reading_of(layout, maps, scales)
    with terminal.progress_bars() as progress:
        try:
            loaded = load_pairs(file, progress, reading=reading)
        except PromptsAloneError:
            _check_prompts(file, reading, as_json=as_json)
            return
        further: list[Problem] = []
        if evaluation is not None:
            eval_reading = reading_of(None, eval_maps, None)
            further += _leakage(file, evaluation, loaded, eval_reading, similarity)
        if tokenizer is not None:
            from grice_core.cli.check_tokens import TokenQuestion, check_tokens

            asked = TokenQuestion(tokenizer, prompt_format, max_length)
            found, shown = check_tokens(loaded.table, asked)
            further.extend(found)
    report = loaded.report.with_problems(further)

    for note in loaded.notes:
        typer.secho(f"! {note}", err=True, fg=typer.colors.YELLOW)
    if as_json:
        example = {"shown_pair": shown.document()} if shown else {}
        first = {"read_as": loaded.read_as, "first_pair": loaded.first_pair}
        typer.echo(json.dumps(report.as_json() | first | example, indent=2))
    else:
        from grice_core.cli.check_report import check_report, next_step

        terminal.stdout().print(check_report(file, loaded, report))
        if shown is not None:
            from grice_core.cli.check_tokens import shown_pair

            terminal.stdout().print(shown_pair(shown))
        typer.echo(next_step(file, report, reading), nl=False)
    _require_usable(file, loaded)


def _check_prompts(file: Path, reading: "Reading", *, as_json: bool) -> None:
    """Report on a file that holds prompts without responses."""
    from grice_core.cli import terminal
    from grice_core.cli.check_report import prompts_report
    from grice_core.data.load import load_prompts

    prompts = load_prompts(file, reading=reading)
    if as_json:
        document = {"read_as": prompts.read_as, "num_prompts": len(prompts.prompts)}
        typer.echo(json.dumps(document | {"first_prompt": prompts.prompts[0]}, indent=2))
        return
    terminal.stdout().print(prompts_report(file, prompts))


def _leakage(
    file: Path, evaluation: Path, loaded: "LoadedPairs", reading: "Reading", similarity: float
) -> "list[Problem]":
    from grice_core.data.evaluation import find_leakage, find_near_leakage
    from grice_core.data.load import load_prompts

    prompts = load_prompts(evaluation, reading=reading)
    given = loaded.table, prompts, file.name, evaluation.name
    return [find_leakage(*given), find_near_leakage(*given, similarity)]


def _require_usable(file: Path, loaded: "LoadedPairs") -> None:
    from grice_core.errors import DataError

    if not len(loaded.table):
        worst = max(loaded.report.errors, key=lambda found: found.count)
        raise DataError(
            f"{file.name} has no usable row: in {worst.count:,} of {loaded.report.num_rows:,} rows "
            f"{worst.message}; {worst.fix}"
        )
