"""`import grice_core`: what it offers, and what it does not load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import grice_core
from grice_core.cli import app

SOURCE = Path(grice_core.__file__)


def test_importing_it_loads_nothing_but_itself_and_the_standard_library() -> None:
    code = "import sys; before = {*sys.modules}; import grice_core; print(*{*sys.modules} - before)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    names = {name.partition(".")[0] for name in loaded.stdout.split()}
    assert names - sys.stdlib_module_names == {"grice_core"}
    assert "grice_core.data" not in loaded.stdout


@pytest.mark.parametrize(
    ("load", "heavy"),
    [
        ("import grice_core as g; g.load_pairs, g.load_recipe, g.plan_stages", {"torch"}),
        ("import grice_core.demo.run", {"torch", "scipy.stats"}),  # a refusal does not wait for it
        ("import worker.execution", {"scipy.stats"}),  # a second of every process for a run
    ],
)
def test_what_is_heavy_is_loaded_where_it_is_needed(load: str, heavy: set[str]) -> None:
    code = f"import sys; {load}; print(*{heavy} & {{*sys.modules}})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []


@pytest.mark.parametrize("name", grice_core.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    assert getattr(grice_core, name).__doc__


def test_types_are_those_of_what_is_loaded() -> None:
    """The imports that mypy and editors see name the same things as the ones at run time."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(seen) == sorted(grice_core.__all__) == dir(grice_core)
    for name, module in seen.items():
        assert getattr(grice_core, name) is getattr(sys.modules[str(module)], name)


def test_a_name_it_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'load_pears'"):
        grice_core.load_pears  # type: ignore[attr-defined]  # noqa: B018


def test_the_command_says_its_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith("grice-studio ")
