"""`grice gc`: make room."""

from typing import TYPE_CHECKING, Annotated

import typer

from grice_core.cli.terminal import stdout

if TYPE_CHECKING:
    from grice_core.store.kept import KeptSize
    from grice_core.store.references import Collected
    from worker.client import Cleanup, CleanupPlan

Keep = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        metavar="RULE",
        help="Also remove finished pipelines, but those that a rule keeps: 30d (or 12h) keeps what "
        "ended less long ago, last:20 the 20 newest. Several rules keep what any of them keeps. "
        "What has a tag, a note or judgements by people stays in any case.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would go; change nothing.")]
Forget = Annotated[
    bool,
    typer.Option(
        "--forget-kept",
        help="Also remove the answers, scores and trained stages that are kept for later runs, those of removed pipelines too.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Remove pipelines without asking.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command("gc")(collect)


def collect(
    keep: Keep = None, forget_kept: Forget = False, dry_run: DryRun = False, yes: Yes = False
) -> None:
    """Remove files that no data set, detector or run needs, once they are a day old; with --keep,
    old pipelines first."""
    from worker.client import RunQueue

    cleanup = RunQueue.open().cleanup
    if keep:
        _apply_rules(cleanup, keep, dry_run=dry_run, yes=yes)
    else:
        _say_files(cleanup.garbage() if dry_run else cleanup.collect_garbage(), dry_run)
    if forget_kept and not dry_run:
        _say_kept(cleanup.forget_kept(), "removed, of what was kept for later runs:")
    else:
        _say_kept(cleanup.kept(), "would remove" if forget_kept else "kept for later runs:")


def _apply_rules(cleanup: "Cleanup", keep: list[str], *, dry_run: bool, yes: bool) -> None:
    from grice_core.store.retention import Retention

    planned = cleanup.plan(Retention.parse(keep))
    _say_pipelines(planned, dry_run)
    if dry_run:
        _say_files(planned.files, dry_run)
        return
    num_expired = len(planned.pipelines.expired)
    if num_expired and not yes:
        typer.confirm(f"Remove {num_expired:,} pipelines for good?", abort=True)
    num_removed, files = cleanup.carry_out(planned)
    if num_removed < num_expired:
        changed = f"{num_expired - num_removed:,} stay: they were changed meanwhile"
        stdout().print(changed, highlight=False)
    _say_files(files, dry_run)


def _say_kept(size: "KeptSize", what: str) -> None:
    if size.num_files:
        amount = f"{size.num_files:,} files of answers, scores and stages, {size.size_bytes / 1e6:,.1f} MB"
        stdout().print(f"{what} {amount}", highlight=False)


def _say_files(files: "Collected", dry_run: bool) -> None:
    if files.num_files:
        size = f"{files.size_bytes / 1e6:,.1f} MB"
        verb = "would remove" if dry_run else "removed"
        stdout().print(f"{verb} {files.num_files:,} files, {size}", highlight=False)
    else:
        stdout().print("no files to remove")


def _say_pipelines(planned: "CleanupPlan", dry_run: bool) -> None:
    from datetime import UTC, datetime

    from rich.markup import escape
    from rich.table import Table

    expired = planned.pipelines.expired
    if expired:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("pipeline", justify="right")
        for title in ("name", "ended", "started by"):
            table.add_column(title)
        for one in expired:
            ended = datetime.fromtimestamp(one.ended_at, UTC).strftime("%Y-%m-%d")
            table.add_row(str(one.id), escape(one.name), ended, escape(one.started_by or "–"))
        stdout().print(table)
    verb = "would remove" if dry_run else "to remove"
    kept = ", ".join(f"{count:,} {reason}" for reason, count in planned.pipelines.kept.items())
    stdout().print(
        f"{verb} {len(expired):,} pipelines; {f'kept: {kept}' if kept else 'none is kept'}",
        highlight=False,
    )
