"""docs/settings.md names every environment variable that the code reads."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "settings.md"
HANDED_DOWN = {"GRICE_PARENT"}
"""Set by one of our processes for another, never by a user."""


def test_its_tables_are_what_the_settings_say() -> None:
    command = [sys.executable, "scripts/settings_table.py", "--check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_every_variable_of_ours_stands_in_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    named = {
        variable.removesuffix("_FILE")  # any may be named by a file
        for folder in ("app", "grice_core", "worker", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for variable in re.findall(r"\bGRICE_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }
    assert {name for name in named - HANDED_DOWN if f"`{name}`" not in page} == set()
