"""`grice sweeps`: see which settings were searched, and what came of it."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from grice_core.cli.terminal import stdout

if TYPE_CHECKING:
    from grice_core.store.tables import Sweep
    from worker.client import RunQueue

SweepId = Annotated[int, typer.Argument(help="The sweep's number, as `grice sweeps` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(list_sweeps)
    for command in (show, cancel, resume, remove):
        group.command()(command)
    app.add_typer(group, name="sweeps")


def list_sweeps(context: typer.Context) -> None:
    """List sweeps, the newest first."""
    if context.invoked_subcommand:
        return
    from grice_core.store import sweeps

    found = sweeps.page(_open().database)
    if found:
        stdout().print(_table(found))
    else:
        typer.echo("No sweeps yet: grice submit sweep asks for one.")


def show(sweep_id: SweepId, as_json: AsJson = False) -> None:
    """Show a sweep's trials, and its winner once there is one."""
    from grice_core.store import sweeps
    from grice_core.sweep.report import render_trials, winner_lines
    from grice_core.sweep.result import candidate_documents
    from grice_core.sweep.stored import entries_of, search_of

    database = _open().database
    sweep = sweeps.get(database, sweep_id)
    entries = entries_of(sweeps.members(database, sweep_id))
    candidates = candidate_documents(search_of(sweep), entries)
    if as_json:
        document = {"id": sweep.id, "name": sweep.name, "state": sweep.state, "error": sweep.error}
        result = sweep.result or {"candidates": candidates}
        typer.echo(json.dumps(document | result, indent=2, ensure_ascii=False))
        return
    stdout().print(f"{sweep.name}: {sweep.state}{f': {sweep.error}' if sweep.error else ''}")
    stdout().print(render_trials(candidates))
    if sweep.result is not None:
        stdout().print("", *winner_lines(sweep.result), sep="\n")


def cancel(sweep_id: SweepId) -> None:
    """Stop a sweep and its pipelines; `resume` lets them continue."""
    _open().sweeps.cancel(sweep_id)
    typer.echo(f"sweep {sweep_id} begins nothing further")


def resume(sweep_id: SweepId) -> None:
    """Let a failed or cancelled sweep continue; what came to nothing is tried again."""
    _open().sweeps.resume(sweep_id)
    typer.echo(f"sweep {sweep_id} continues")


def remove(sweep_id: SweepId) -> None:
    """Forget a sweep; its pipelines stay."""
    _open().sweeps.remove(sweep_id)
    typer.echo(f"sweep {sweep_id} is removed")


def _open() -> "RunQueue":
    from worker.client import RunQueue

    return RunQueue.open()


def _table(found: "Sequence[Sweep]") -> object:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("id", "name", "state", "varied", "error"):
        table.add_column(heading)
    for each in found:
        varied = "\n".join(each.search["varied"])
        table.add_row(str(each.id), each.name, each.state, varied, each.error or "")
    return table
