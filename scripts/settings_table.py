"""docs/settings.md's tables, written from the settings' own classes.

$ python scripts/settings_table.py            # write them
$ python scripts/settings_table.py --check    # exit 1 if they are not what the classes say
"""

import argparse
import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from app.state.settings import AppSettings
from grice_core.settings import Settings
from worker.settings import WorkerSettings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
BEGIN, END = "<!-- begin: scripts/settings_table.py -->", "<!-- end -->"
CLASSES: dict[str, type[BaseSettings]] = {
    "Everything": Settings,
    "Dashboard": AppSettings,
    "Queue and workers": WorkerSettings,
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Write the tables of docs/settings.md.")
    parser.add_argument("--check", action="store_true", help="only say whether they are right")
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    wanted = f"{before}{BEGIN}\n{tables()}\n{END}{after}"
    if not parser.parse_args().check:
        PAGE.write_text(wanted, encoding="utf-8")
    elif page != wanted:
        sys.exit("docs/settings.md is stale: run python scripts/settings_table.py")


def tables() -> str:
    """A heading and a table per class."""
    return "".join(
        f"\n## {title}\n\n| variable | default | meaning |\n|---|---|---|\n{''.join(_rows(of))}"
        for title, of in CLASSES.items()
    )


def _rows(settings: type[BaseSettings]) -> Iterator[str]:
    prefix = settings.model_config.get("env_prefix", "")
    meanings = _docstrings(settings)
    for name, field in settings.model_fields.items():
        variable = field.validation_alias or f"{prefix}{name}".upper()
        if name not in meanings:
            sys.exit(f"{settings.__name__}.{name} has no docstring: say what it means")
        meaning = meanings[name].replace("|", "\\|")
        yield f"| `{variable}` | {_default(field)} | {meaning} |\n"


def _default(field: FieldInfo) -> str:
    """As one would set it; nothing where the meaning has to tell."""
    value = field.default
    if field.default_factory is not None or value is None or value == ():
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _docstrings(settings: type[BaseSettings]) -> dict[str, str]:
    """The text under each field; Python doesn't keep it, so it is read from the source."""
    tree = ast.parse(inspect.getsource(settings))
    definition = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    found: dict[str, str] = {}
    for statement, following in zip(definition.body, definition.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
        ):
            found[statement.target.id] = " ".join(str(following.value.value).split())
    return found


if __name__ == "__main__":
    main()
