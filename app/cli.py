"""The `grice` command: each layer brings its own sub-commands, put together here."""

from grice_core.cli import app as library
from grice_core.cli import run

app = library


def main() -> None:
    """Entry point of the console script."""
    run(app)
