"""Keeping out of what a user reads what libraries have to say to each other."""

import sys
import warnings


def hush_libraries() -> None:
    """Hide warnings about the libraries' own changes and, once transformers is loaded, its bars."""
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft)\b")
    if "transformers" in sys.modules:
        sys.modules["transformers"].utils.logging.disable_progress_bar()
