"""Examinations of made-up model types, good and bad, for worker processes."""

import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace


def examine(name: str, precision: str, folder: Path) -> SimpleNamespace:
    """What the name asks for."""
    sys.stderr.write(f"{name} says something\n")
    if any(folder.iterdir()):
        raise AssertionError("the folder is not empty")
    (folder / "weights").write_text("…")
    if name == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    if name == "leaves":
        os._exit(3)
    if name == "hangs":
        time.sleep(600)
    if name == "raises":
        raise ValueError("a | b\nmore of it")
    result = "refused" if name == "refused" else "shared"
    why = "it is not causal" if result == "refused" else ""
    return SimpleNamespace(
        name=name, precision=precision, result=result, why=why, lora_share=0.5, left_out="routers"
    )
