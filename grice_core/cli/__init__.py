"""The library's sub-commands of `grice`.

Nothing heavy is imported at the top of these modules: `grice --help` must answer at once.
"""

from grice_core.cli.root import app, run

__all__ = ["app", "run"]
