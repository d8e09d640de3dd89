"""The `grice` command in this process, where nothing has to be imported again."""

import os
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO

import pytest
import torch
from huggingface_hub import constants

from app.cli import main
from app.state.settings import app_settings
from grice_core.settings import settings
from worker.settings import worker_settings


def grice_here(
    environment: Mapping[str, str], *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """What the command says, and its exit status; the settings are read anew before and after."""
    out, err = StringIO(), StringIO()
    status = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr("sys.argv", ["grice", *arguments])
        # Read when the library is imported, and written into the tokenizer's settings.
        patch.setattr(constants, "HF_HUB_OFFLINE", os.environ.get("HF_HUB_OFFLINE") == "1")
        _forget_settings()
        try:
            with _as_in_a_process_of_its_own(environment):
                main()
        except SystemExit as exit_:
            status = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        finally:
            _forget_settings()
    return subprocess.CompletedProcess(
        ["grice", *arguments], status, out.getvalue(), err.getvalue()
    )


@contextmanager
def _as_in_a_process_of_its_own(environment: Mapping[str, str]) -> Iterator[None]:
    """With as many threads, on which the last digits depend; warnings are no errors."""
    threads = torch.get_num_threads()
    torch.set_num_threads(int(environment.get("OMP_NUM_THREADS", threads)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            yield
    finally:
        torch.set_num_threads(threads)


def _forget_settings() -> None:
    for read in (settings, app_settings, worker_settings):
        read.cache_clear()
