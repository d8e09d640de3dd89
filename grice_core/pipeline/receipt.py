"""What a finished output folder is known by later: the hash of each file, and one step's state per stage."""

import hashlib
from pathlib import Path
from typing import Any

from grice_core.files import file_sha256, write_json_atomic
from grice_core.nesting import parse_json
from grice_core.pipeline.output import OutputFolder

_NOT_OURS = ("events",)
"""In a stage's folder: what other programs write."""


def anchor_step(stage: str, seed: int, num_steps: int) -> int:
    """The step (counted from 0) before which a stage's state is kept: any but the first, as if drawn."""
    if num_steps < 2:
        return 0
    digest = hashlib.sha256(f"{seed} {stage} {num_steps}".encode()).digest()
    return 1 + int.from_bytes(digest[:8], "big") % (num_steps - 1)


def write_receipt(output: OutputFolder, names: tuple[str, ...]) -> None:
    """Write receipt.json, when no other file will change any more.

    Args:
        names: of the stages; what else lies in the folder is none of the pipeline's.
    """
    write_json_atomic(output.receipt, {"receipt": 1, "files": hashes(output, names)})


def read_receipt(output: OutputFolder) -> dict[str, str] | None:
    """SHA-256 by path; None if there is no receipt."""
    try:
        document: Any = parse_json(output.receipt.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    files: dict[str, str] = document["files"]
    return files


def hashes(output: OutputFolder, names: tuple[str, ...]) -> dict[str, str]:
    """SHA-256 of each file that a pipeline left, by its path in the folder."""
    folders = [output.path / name for name in names]
    files = [path for path in output.path.iterdir() if path.is_file()]
    files += [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    kept = (path for path in files if path != output.receipt and not _is_foreign(path, output.path))
    return {path.relative_to(output.path).as_posix(): file_sha256(path) for path in sorted(kept)}


def _is_foreign(path: Path, root: Path) -> bool:
    return any(part in _NOT_OURS for part in path.relative_to(root).parts[:-1])
