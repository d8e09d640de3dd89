"""README and docs are true: what they link to, name or tell to run is there."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from app.cli import app

ROOT = Path(__file__).parents[1]
PAPERS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
PLACES = [ROOT, ROOT / "grice_core", ROOT / "tests"]
"""What a path in a text may be relative to."""

each_paper = pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)


@each_paper
def test_its_links_lead_somewhere(paper: Path) -> None:
    targets = re.findall(r"(?:\]\(|src(?:set)?=\")([^)\"#]+)", paper.read_text(encoding="utf-8"))
    ours = [target for target in targets if "://" not in target]
    assert [target for target in ours if not (paper.parent / target).exists()] == []


@each_paper
def test_the_files_that_it_names_are_there(paper: Path) -> None:
    named = re.findall(r"`([\w./-]+/\w+\.(?:py|js|yaml))\b", paper.read_text(encoding="utf-8"))
    assert [name for name in named if not any((place / name).is_file() for place in PLACES)] == []


@each_paper
def test_the_commands_that_it_shows_are_there(paper: Path) -> None:
    shown = re.findall(r"^\$ (.*)", paper.read_text(encoding="utf-8"), re.MULTILINE)
    commands = [command.split() for line in shown for command in re.split(r"&&|#", line)]
    grice = [words[1:] for words in commands if words[:1] == ["grice"]]
    assert [words for words in grice if not _is_known(words)] == []


@each_paper
def test_the_benchmarks_that_it_names_are_there(paper: Path) -> None:
    named = re.findall(r"\bbenchmarks(?:\.[a-z]+)+\b", paper.read_text(encoding="utf-8"))
    assert [module for module in named if find_spec(module) is None] == []


def _is_known(words: list[str]) -> bool:
    """Whether these words begin with a command of `grice`, sub-commands included."""
    command = typer.main.get_command(app)
    for word in words:
        known = getattr(command, "commands", None)
        if not known:
            return True
        if word.startswith("-") or word == "…":
            return True
        if word not in known:
            return getattr(command, "invoke_without_command", False)
        command = known[word]
    return True
