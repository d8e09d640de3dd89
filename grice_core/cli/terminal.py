"""What the sub-commands share: consoles and progress bars."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from grice_core.loading import end_loading
from grice_core.progress import Progress
from grice_core.quiet import hush_libraries

if TYPE_CHECKING:
    from rich.console import Console


@cache
def stdout() -> "Console":
    """Where results go."""
    from rich.console import Console

    return Console()


@cache
def stderr() -> "Console":
    """Where progress bars, warnings and remarks go, so that results can be piped."""
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Bars with an ETA on stderr, one per task, made as tasks are first heard of."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    end_loading()
    hush_libraries()  # their bars for loading weights would cut through ours
    bars = Bars(
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("eta"),
        TimeRemainingColumn(),
        console=stderr(),
    )
    tasks: dict[str, TaskID] = {}

    def show(task: str, done: int, total: int) -> None:
        if task not in tasks:
            tasks[task] = bars.add_task(task, total=total)
        elif done < bars.tasks[tasks[task]].completed:  # of the next stage, whose time is its own
            bars.reset(tasks[task])
        bars.update(tasks[task], completed=done, total=total)

    with bars:
        yield show
