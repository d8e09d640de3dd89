"""`grice verify`: whether an output folder holds what it claims."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from grice_core.cli.export import Base, Data, Eval
from grice_core.cli.terminal import progress_bars, stdout
from grice_core.cli.training import Device

if TYPE_CHECKING:
    from grice_core.verify.claims import Check
    from grice_core.verify.run import Verification

Out = Annotated[
    str,
    typer.Argument(metavar="OUT", help="Output folder of a finished pipeline, or studio:NUMBER."),
]
DetectorPlace = Annotated[
    str | None, typer.Option("--detector", help="Where the detector is, if not where it was.")
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document instead of sentences.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(verify)


def verify(
    out: Out,
    data: Data = None,
    eval_: Eval = None,
    base: Base = None,
    detector: DetectorPlace = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Derive again what a pipeline's folder claims: files, inputs, rates, a step of each stage, some answers.

    Exit code 1 if something does not hold.
    """
    from grice_core.pipeline.reopening import Places
    from grice_core.pipeline.stored_output import local_output
    from grice_core.verify.run import verify as run_verify

    with local_output(out, with_judges=True) as (folder, found):
        places = Places(
            data or found.data,
            eval_ or found.eval,
            base,
            detector or found.detector,
            found.second_judge,
        )
        with progress_bars():
            done = run_verify(
                folder, places, device, on_check=(lambda _: None) if as_json else _show_check
            )
    if as_json:
        typer.echo(json.dumps(asdict(done) | {"holds": done.holds}, indent=2, ensure_ascii=False))
    else:
        _show_verdict(done)
    if not done.holds:
        raise typer.Exit(1)


def _show_check(check: "Check") -> None:
    console = stdout()
    mark = "✗" if check.problems else "✓"
    console.print(f"{mark} {check.name}: {check.looked_at}", soft_wrap=True, highlight=False)
    for problem in check.problems:
        console.print(f"    {problem}", soft_wrap=True, highlight=False, markup=False)


def _show_verdict(done: "Verification") -> None:
    share = f", {done.seconds / done.pipeline_s:.1%} of the pipeline's" if done.pipeline_s else ""
    verdict = "Everything that was looked at holds" if done.holds else "Not everything holds"
    stdout().print(f"{verdict} ({done.seconds:.1f} s{share}).", highlight=False)
