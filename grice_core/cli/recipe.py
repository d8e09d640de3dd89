"""`grice recipe list, show`: the built-in recipes, and files of one's own as they are understood."""

from typing import Annotated

import typer

_commands = typer.Typer(
    name="recipe",
    help="Look at recipes: what each stage learns from, and how.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.add_typer(_commands)


@_commands.command("list")
def list_recipes() -> None:
    """List the built-in recipes."""
    from rich.table import Table

    from grice_core.cli import terminal
    from grice_core.recipes.load import builtin_names, load_recipe

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("recipe", "stages", "what it does"):
        table.add_column(heading)
    for name in builtin_names():
        recipe = load_recipe(name)
        titles = " → ".join(stage.title or stage.name for stage in recipe.stages)
        table.add_row(name, titles, recipe.description)
    terminal.stdout().print(table)
    typer.echo("\nPrint one with grice recipe show NAME; redirect it to a file to make your own.")


@_commands.command("show")
def show_recipe(
    name: Annotated[
        str, typer.Argument(help="Name of a built-in recipe, or a YAML file.")
    ] = "content-then-manner",
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Override a setting: stage1.epochs=1."),
    ] = None,
) -> None:
    """Print a recipe as YAML, with every setting, so that it can be edited and used as a file."""
    from grice_core.recipes.documents import to_yaml
    from grice_core.recipes.load import load_recipe

    typer.echo(to_yaml(load_recipe(name, overrides or [])), nl=False)
