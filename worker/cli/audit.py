"""`grice audit`: who changed what."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grice_core.cli.terminal import stdout

if TYPE_CHECKING:
    from grice_core.store.tables import AuditEntry

Since = Annotated[
    str,
    typer.Option(help="Only from then on: a date (2026-11-30), a UTC time, or 7d, 12h, 30m ago."),
]
Who = Annotated[str, typer.Option(help="Only what this person or account did.")]
Limit = Annotated[int, typer.Option(min=1, help="How many, the newest first.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command("audit")(audit)


def audit(
    since: Since = "",
    who: Who = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List who changed what, when and from where, the newest first."""
    from grice_core.durations import instant
    from grice_core.store import audit as log
    from worker.client import RunQueue

    wanted = log.AuditFilter(actor=who, since=instant(since) if since else None)
    found = log.page(RunQueue.open().database, wanted, limit=limit)
    if as_json:
        records = [log.as_record(entry) for entry in found]
        typer.echo(json.dumps(records, indent=2, ensure_ascii=False))
    elif as_csv:
        typer.echo(log.as_csv(found), nl=False)
    elif not found:
        typer.echo("Nothing was changed then.")
    else:
        stdout().print(_table(found))


def _table(found: Sequence["AuditEntry"]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    from grice_core.store.audit import COLUMNS, as_record

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in COLUMNS:
        table.add_column(title, justify="right" if title == "id" else "left")
    for entry in found:
        cells = as_record(entry).values()
        table.add_row(*("–" if cell is None else escape(str(cell)) for cell in cells))
    return table
