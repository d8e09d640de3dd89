"""What takes long to make and is only read, made once for all processes of a test run."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder of this name: the first that asks for it makes it, the others wait.

    Args:
        name: says what is in it, and by which code: the same name is the same folder in every test file.
        make: is given the folder, empty.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each has a folder of its own in the run's
        root = root.parent
    folder, is_whole = root / "once" / name, root / "once" / f"{name}.made"
    folder.parent.mkdir(exist_ok=True)
    with (root / "once" / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_whole.exists():
            shutil.rmtree(folder, ignore_errors=True)  # left by one who failed
            folder.mkdir()
            make(folder)
            is_whole.touch()
    return folder
