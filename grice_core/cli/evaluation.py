"""`grice compare`: what evaluations say, and how pipelines differ."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grice_core.cli.terminal import progress_bars, stdout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grice_core.evaluation.stored import StoredEvaluation


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(compare)


def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="OUT…", help="Output folders of pipelines; the first is the reference."
        ),
    ],
    gold: Annotated[
        Path | None,
        typer.Option(
            help="CSV of gold labels: prompt, response and a column per maxim (1 = violated)."
        ),
    ] = None,
    at_every_look: Annotated[
        bool,
        typer.Option(
            "--at-every-look",
            help="The gold labels came one by one until they decided, as Judge blindly has it: wider intervals that "
            "allow for that.",
        ),
    ] = False,
    detector: Annotated[
        Path | None,
        typer.Option(
            help="Detector folder: correct rates by its errors on held-out labels, where there is no gold."
        ),
    ] = None,
    second_judge: Annotated[
        str | None,
        typer.Option(
            help="Detector folder, hub id or studio:NAME: judge all answers by it as well, and test whether "
            "the training judge was fooled."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document instead of tables.")
    ] = False,
) -> None:
    """Show what pipelines achieved: rates, differences, tests, what was lost again, the verdict.

    Several pipelines are also compared with the first one, on the prompts that both answered. With
    gold labels of some answers, rates and verdict are also given corrected for the detector's errors;
    with the detector, rates corrected by the errors that it made on held-out labels; with a second
    judge, which of the stages' improvements the training judge alone sees.
    """
    from grice_core.evaluation.gold import read_gold
    from grice_core.evaluation.overview import overview, overview_document
    from grice_core.evaluation.rendering import render_overview
    from grice_core.evaluation.rogan_gladen import (
        corrected_rates,
        measured,
        render_corrected_rates,
    )
    from grice_core.evaluation.stored import read_evaluation
    from grice_core.evaluation.true_rates import true_rates
    from grice_core.evaluation.true_rows import render_true_rates

    labels = read_gold(gold) if gold else None
    stored = [read_evaluation(folder) for folder in folders]
    found = overview(_judged_by(second_judge, stored) if second_judge else stored)
    by_gold = [
        true_rates(view.stored.models, labels, view.stored.config, at_every_look)
        for view in found.pipelines
        if labels
    ]
    metrics = measured(detector) if detector else None
    by_errors = [
        {model.name: corrected_rates(model, metrics) for model in view.stored.models}
        for view in found.pipelines
        if metrics
    ]
    if as_json:
        document = overview_document(found)
        if labels:
            document["gold"] = [rates.document() for rates in by_gold]
        if metrics:
            document["by_detector_errors"] = [
                {
                    model: {maxim: asdict(rate) for maxim, rate in rates.items()}
                    for model, rates in of.items()
                }
                for of in by_errors
            ]
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
        return
    stdout().print(render_overview(found))
    for view, rates in zip(found.pipelines, by_gold, strict=bool(labels)):
        stdout().print()
        stdout().print(render_true_rates(rates, view.stored))
    for of in by_errors:
        stdout().print()
        stdout().print(render_corrected_rates(of))


def _judged_by(source: str, stored: "Sequence[StoredEvaluation]") -> "list[StoredEvaluation]":
    """The same evaluations with this second judge's word on all their answers."""
    from grice_core.api import load_detector
    from grice_core.cli.local_copies import local_detector
    from grice_core.pipeline.judging import with_second_judge

    with local_detector(source) as folder, progress_bars() as progress:
        judge = load_detector(folder)
        return [with_second_judge(one, judge, progress) for one in stored]
