"""What `grice check` shows to a person."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grice_core.data.layouts.opening import Reading
from grice_core.data.load import LoadedPairs, Prompts
from grice_core.data.report import Problem, Severity, ValidationReport

_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_NUM_ROWS_LISTED = 8
_MAX_CHARACTERS = 300


def check_report(file: Path, loaded: LoadedPairs, report: ValidationReport) -> Group:
    """Counts, then the problems."""
    title = Text(f"{file.name}", style="bold")
    title.append(f" · {loaded.format} · sha256 {loaded.sha256[:12]}…", style="dim")
    read_as = Text(f"Read as: {loaded.read_as}")
    parts: list[Text | Padding] = [title, read_as, Text(), Padding(_counts(report), (0, 0, 1, 2))]
    if loaded.first_pair:
        parts.append(Padding(_texts(loaded.first_pair), (0, 0, 1, 2)))
    if report.problems:
        parts.append(Padding(_problems(report), (0, 0, 0, 2)))
    elif report.num_usable:
        parts.append(Text("  No problems found.\n", style="green"))
    return Group(*parts)


def prompts_report(file: Path, prompts: Prompts) -> Group:
    """What a file of prompts alone holds."""
    title = Text(file.name, style="bold")
    title.append(f" · sha256 {prompts.sha256[:12]}…", style="dim")
    num = len(prompts.prompts)
    count = f"{num:,} prompt{'s' * (num != 1)} to evaluate on (--eval), no pairs to train on"
    return Group(
        title,
        Text(f"Read as: {prompts.read_as}"),
        Text(),
        Padding(Text(count), (0, 0, 1, 2)),
        Padding(_texts({"prompt": prompts.prompts[0]}), (0, 0, 1, 2)),
    )


def _texts(texts: Mapping[str, str]) -> Table:
    """The first row: what was taken for what, shortened."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for name, text in texts.items():
        table.add_row(name, Text(" ".join(text.split())[:_MAX_CHARACTERS]))
    return table


def next_step(file: Path, report: ValidationReport, reading: Reading) -> str:
    """What to do with the usable pairs, as lines to print; empty if there are none."""
    name = shlex.join([str(file), *reading.options()])
    if not report.num_usable:
        return ""
    if report.num_scored < report.num_usable:
        command = f"grice score {name} --detector DIR --out scored.json"
        return f"Give every pair its scores with\n  {command}\n"
    return f"See what each stage would learn from with\n  grice stages {name}\n"


def _counts(report: ValidationReport) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    unusable = report.num_rows - report.num_usable
    unscored = report.num_usable - report.num_scored
    table.add_row("rows", f"{report.num_rows:,}", "")
    table.add_row("usable", f"{report.num_usable:,}", f"{unusable:,} with errors" * bool(unusable))
    table.add_row("scored", f"{report.num_scored:,}", f"{unscored:,} unscored" * bool(unscored))
    return table


def _problems(report: ValidationReport) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 1, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for problem in report.problems:
        style = _STYLES[problem.severity]
        count = f"{problem.count:,} row{'s' * (problem.count > 1)}"
        table.add_row(count, Text(problem.severity, style), _described(problem))
    return table


def _described(problem: Problem) -> Text:
    text = Text(f"{problem.code}: ", style="bold")
    text.append(problem.message, style="not bold")
    listed = ", ".join(f"{row}" for row in problem.rows[:_NUM_ROWS_LISTED])
    more = ", …" if problem.count > _NUM_ROWS_LISTED else ""
    text.append(f"\nat row{'s' * (problem.count > 1)} {listed}{more}", style="not bold dim")
    text.append(f"\n→ {problem.fix}", style="not bold")
    return text
