"""`grice check`: what a data file holds, what is wrong with it, and what to do."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from grice_core.data.load import LoadedPairs
    from grice_core.data.pairs import PairTable
    from grice_core.data.report import Problem


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(check)


def check(
    file: Annotated[
        Path,
        typer.Argument(
            help="Preference pairs: JSON, JSON Lines, CSV or Parquet, also .gz or .zst.",
            show_default=False,
        ),
    ],
    evaluation: Annotated[
        Path | None,
        typer.Option("--eval", help="Evaluation prompts; warns about prompts in both files."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="Folder or hub id; warns about pairs too long for the model."),
    ] = None,
    max_length: Annotated[
        int | None, typer.Option(min=8, help="Tokens of prompt and one response; 512 if not given.")
    ] = None,
) -> None:
    """Check a file of preference pairs and say what to do about it."""
    from grice_core.cli import terminal
    from grice_core.data.load import load_pairs

    if max_length is not None and tokenizer is None:
        raise typer.BadParameter("--max-length counts tokens, so it needs --tokenizer")
    with terminal.progress_bars() as progress:
        loaded = load_pairs(file, progress)
        further: list[Problem] = []
        if evaluation is not None:
            further.append(_leakage(file, evaluation, loaded))
        if tokenizer is not None:
            further.extend(_lengths(loaded.table, tokenizer, max_length))
    report = loaded.report.with_problems(further)

    for note in loaded.notes:
        typer.secho(f"! {note}", err=True, fg=typer.colors.YELLOW)
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        from grice_core.cli.check_report import check_report, next_step

        terminal.stdout().print(check_report(file, loaded, report))
        typer.echo(next_step(file, report), nl=False)
    _require_usable(file, loaded)


def _leakage(file: Path, evaluation: Path, loaded: "LoadedPairs") -> "Problem":
    from grice_core.data.evaluation import find_leakage
    from grice_core.data.load import load_prompts

    return find_leakage(loaded.table, load_prompts(evaluation), file.name, evaluation.name)


def _lengths(table: "PairTable", tokenizer: str, max_length: int | None) -> "list[Problem]":
    """What training would skip or cut: the same encoding decides."""
    import numpy as np
    from transformers import AutoTokenizer

    from grice_core.data import problems
    from grice_core.dpo.encode import encode_pairs
    from grice_core.dpo.hub import loading_errors
    from grice_core.recipes.config import StageConfig

    limit = max_length or StageConfig.model_fields["max_length"].default
    with loading_errors("tokenizer", tokenizer):
        loaded = AutoTokenizer.from_pretrained(tokenizer, trust_remote_code=False)
    encoding = encode_pairs(table, loaded, limit)
    return [
        problems.too_long(limit).at(np.array(encoding.skipped_rows, dtype=np.int64)),
        problems.prompt_cut(limit).at(np.array(encoding.cut_rows, dtype=np.int64)),
    ]


def _require_usable(file: Path, loaded: "LoadedPairs") -> None:
    from grice_core.errors import DataError

    if not len(loaded.table):
        worst = max(loaded.report.errors, key=lambda found: found.count)
        raise DataError(
            f"{file.name} has no usable row: in {worst.count:,} of {loaded.report.num_rows:,} rows "
            f"{worst.message}; {worst.fix}"
        )
