"""Silence library warnings and progress bars."""

import logging
import os
import sys
import warnings


def hush_libraries() -> None:
    """Hide warnings about the libraries' own changes, torch's stack traces of lost connections (if it is not loaded
    yet) and, once transformers is loaded, its bars and its report on loading, which is read and reported in our
    own words (`grice_core/dpo/base.py`)."""
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft)\b")
    # It warns of a kernel that it does without.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    if "transformers" in sys.modules:
        sys.modules["transformers"].utils.logging.disable_progress_bar()
        sys.modules["transformers"].utils.logging.set_verbosity_error()
