"""What a person sees in the terminal while something runs."""

import io

import pytest
from rich.console import Console

from grice_core.cli import terminal


def test_what_begins_again_is_timed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now, shown = [0.0], io.StringIO()
    console = Console(file=shown, get_time=lambda: now[0], width=100)
    monkeypatch.setattr(terminal, "stderr", lambda: console)

    with terminal.progress_bars() as progress:
        for second, done in ((0, 1), (40, 8), (100, 2), (103, 8)):  # two stages, a minute apart
            now[0] = float(second)
            progress("reference", done, 8)

    assert "8/8 0:00:03" in shown.getvalue()
