"""`grice recipe list` and `grice recipe show`."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from grice_core.cli import app
from grice_core.errors import RecipeError
from grice_core.recipes.load import load_recipe


def test_list_names_the_builtin_recipes() -> None:
    result = CliRunner().invoke(app, ["recipe", "list"])

    assert result.exit_code == 0
    assert "content-then-manner" in result.stdout
    assert "content → manner" in result.stdout
    assert "joint" in result.stdout


def test_show_prints_a_file_that_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    result = CliRunner().invoke(
        app, ["recipe", "show", "content-then-manner", "--set", "stage1.lora.r=8"]
    )
    path.write_text(result.stdout)

    assert load_recipe(path) == load_recipe("content-then-manner", ["stage1.lora.r=8"])


def test_show_prints_the_default_without_a_name() -> None:
    result = CliRunner().invoke(app, ["recipe", "show"])
    assert result.stdout.startswith("name: content-then-manner\n")


def test_a_wrong_override_is_an_input_error() -> None:
    result = CliRunner().invoke(app, ["recipe", "show", "joint", "--set", "stage1.epoch=1"])
    assert isinstance(result.exception, RecipeError)
    with pytest.raises(RecipeError, match="did you mean 'epochs'"):
        raise result.exception
