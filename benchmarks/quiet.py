"""Quiet libraries, for benchmarks whose output is a table."""

import logging
import os
import warnings

from grice_core.quiet import hush_libraries


def hush() -> None:
    """Keep this process's libraries quiet: TRL and those below it warn each other."""
    os.environ["TQDM_DISABLE"] = "1"
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    hush_libraries()
