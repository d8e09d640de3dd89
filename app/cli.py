"""The `grice` command: each layer brings its own sub-commands, put together here."""

import worker.cli
from app import up
from grice_core.cli import app as library
from grice_core.cli import run

app = library
worker.cli.register(app)
up.register(app)


def main() -> None:
    """Entry point of the console script."""
    run(app)
