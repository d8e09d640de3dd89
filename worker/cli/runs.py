"""`grice runs`: see what was asked for, follow it, stop it, let it continue."""

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grice_core.cli.terminal import stderr, stdout

if TYPE_CHECKING:
    from grice_core.store.tables import Run
    from worker.client import RunQueue

_LOOK_EVERY_S = 0.5
_SAY_STEPS_EVERY_S = 5.0
_COLUMNS = ("id", "kind", "stage", "state", "attempt", "step", "num_steps", "pid", "error")

RunId = Annotated[int, typer.Argument(help="The run's number, as `grice runs` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(list_runs)
    for command in (follow, stop, resume, retry, pause, unpause):
        group.command()(command)
    app.add_typer(group, name="runs")


def list_runs(
    context: typer.Context,
    pipeline: Annotated[int | None, typer.Option(help="Only the runs of this pipeline.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first."""
    if context.invoked_subcommand:
        return
    from grice_core.store import runs

    queue = _open()
    found = runs.page(queue.database, runs.RunFilter(pipeline_id=pipeline), limit)
    if as_json:
        typer.echo(json.dumps([_as_json(run) for run in found], indent=2, ensure_ascii=False))
    elif not found:
        typer.echo("No runs yet: grice submit --demo asks for some.")
    else:
        stdout().print(_table(found))


def follow(run_id: RunId) -> None:
    """Show a run's log and steps as they come, and the runs after it, until its pipeline ends."""
    from grice_core.store import runs

    queue = _open()
    run = runs.get(queue.database, run_id)
    chain = (
        [each for each in runs.of_pipeline(queue.database, run.pipeline_id) if each.id >= run_id]
        if run.pipeline_id is not None
        else [run]
    )
    for each in chain:
        last = _Follower(queue, each.id).until_it_ends()
        if last.state != "succeeded":
            raise typer.Exit(1)


def stop(run_id: RunId) -> None:
    """Ask a run to write a checkpoint and stop; `resume` lets it continue."""
    state = _open().stop(run_id)
    if state == "running":
        typer.echo(f"run {run_id} was asked to stop; it does at its next step")
    else:
        typer.echo(f"run {run_id} is {state}")


def resume(run_id: RunId) -> None:
    """Let a failed or cancelled run continue from its last checkpoint."""
    _open().resume(run_id)
    typer.echo(f"run {run_id} is queued again; it continues from its last checkpoint")


def retry(run_id: RunId) -> None:
    """Do a run again from nothing; what was built on it is marked stale."""
    stale = _open().rerun(run_id)
    typer.echo(f"run {run_id} is queued again, from nothing")
    if stale:
        typer.echo(f"built on it, and stale now: runs {', '.join(map(str, stale))}")


def pause() -> None:
    """Let workers take nothing new; running jobs continue."""
    _open().pause()
    typer.echo("the queue is paused; `grice runs unpause` lets it continue")


def unpause() -> None:
    """Let workers take runs again."""
    _open().unpause()
    typer.echo("the queue continues")


class _Follower:
    """Shows what is new in one run."""

    def __init__(self, queue: "RunQueue", run_id: int) -> None:
        self._queue = queue
        self._run_id = run_id
        self._read: dict[int, int] = {}
        self._stands: object = None
        self._step = 0
        self._said_at = 0.0

    def until_it_ends(self) -> "Run":
        from grice_core.store import runs

        while True:
            run = runs.get(self._queue.database, self._run_id)
            self._show_log()
            self._say_where_it_stands(run)
            if run.state.is_finished():
                return run
            time.sleep(_LOOK_EVERY_S)

    def _show_log(self) -> None:
        from grice_core.store import logs

        for position in logs.positions(self._queue.database, self._run_id):
            start = self._read.get(position.attempt, 0)
            if position.size_bytes > start:
                typer.echo(logs.tail(self._queue.artifacts.objects, position, start), nl=False)
                self._read[position.attempt] = position.size_bytes

    def _say_where_it_stands(self, run: "Run") -> None:
        stands = (run.state, run.error, run.attempt)
        moves = run.step != self._step and time.monotonic() - self._said_at >= _SAY_STEPS_EVERY_S
        if stands == self._stands and not moves:
            return
        where = f", {run.kind.progress(run.step, run.num_steps)}" if run.num_steps else ""
        why = f": {run.error}" if run.error else ""
        sentence = f"run {run.id} {run.kind.of_stage(run.stage)}: {run.state}{where}{why}"
        stderr().print(sentence, style="dim", soft_wrap=True, highlight=False)
        self._stands, self._step, self._said_at = stands, run.step, time.monotonic()


def _open() -> "RunQueue":
    from worker.client import RunQueue

    return RunQueue.open()


def _as_json(run: "Run") -> dict[str, Any]:
    return {
        name: getattr(run, name)
        for name in (*_COLUMNS, "pipeline_id", "stale", "owner", "started_by")
    }


def _table(found: Sequence["Run"]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("run", "pipeline", "what", "state", "attempt", "progress", "pid", "error"):
        numeric = title in {"run", "pipeline", "attempt", "progress", "pid"}
        table.add_column(title, justify="right" if numeric else "left", no_wrap=title != "error")
    for run in found:
        table.add_row(
            str(run.id),
            str(run.pipeline_id or "–"),
            run.kind.of_stage(run.stage),
            f"{run.state}, stale" if run.stale else str(run.state),
            str(run.attempt),
            run.kind.progress(run.step, run.num_steps) if run.num_steps else "–",
            str(run.pid or "–"),
            run.error or "",
        )
    return table
