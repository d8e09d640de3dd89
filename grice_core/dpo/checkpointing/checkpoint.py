"""Checkpoints on disk: whole or absent, whatever happens while they are written.

    checkpoints/step-00000050/adapter.safetensors
                              optimizer.safetensors
                              …
                              state.json       step and notes
                              manifest.json    SHA-256 of each file

A checkpoint is written under a temporary name, synced to disk and renamed. Two are kept: if the last one's
hashes don't match, the one before is used.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from grice_core.errors import OutputError
from grice_core.files import sync_folder

NUM_KEPT = 2

_NAME = "step-{:08d}"
_STATE = "state.json"
_MANIFEST = "manifest.json"

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """The state of training after some steps."""

    step: int
    """Optimizer steps taken."""
    tensors: Mapping[str, Tensors]
    """Groups of tensors on the CPU, by name; each group is a file."""
    notes: Mapping[str, Any]
    """Everything else, as JSON has it."""


class _DamagedError(Exception):
    """A checkpoint is not what was written."""


@dataclass(frozen=True)
class CheckpointFolder:
    """The checkpoints of one training run."""

    path: Path

    def write(self, checkpoint: Checkpoint) -> None:
        """Add a checkpoint; of those before it, only the last stays.

        Raises: OutputError, if it can't be written; the checkpoints before it are untouched then.
        """
        temporary = self.path / f".{_NAME.format(checkpoint.step)}.{secrets.token_hex(4)}"
        final = self.path / _NAME.format(checkpoint.step)
        try:
            temporary.mkdir(parents=True)
            _write_files(temporary, _contents(checkpoint))
            if final.exists():  # damaged, or training would have resumed from it
                shutil.rmtree(final)
            temporary.rename(final)
            sync_folder(self.path)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            raise OutputError(
                f"can't write a checkpoint to {self.path}: {error.strerror}. The one before it is "
                "whole: free some space, then continue with --resume"
            ) from error
        self._prune(checkpoint.step)

    def latest(self, say: Callable[[str], None]) -> Checkpoint | None:
        """The last whole checkpoint, if there is one; says which damaged ones were passed over."""
        for folder in sorted(self.path.glob("step-*"), reverse=True):
            try:
                return _read(folder)
            except _DamagedError as damage:
                say(f"passed over the damaged checkpoint {folder}: {damage}")
        return None

    def clear(self) -> None:
        """Delete all checkpoints."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _prune(self, step: int) -> None:
        """Delete all but this step's checkpoint and the last before it."""
        older = sorted(
            folder for folder in self.path.glob("step-*") if folder.name < _NAME.format(step)
        )
        kept = {_NAME.format(step), *(folder.name for folder in older[-(NUM_KEPT - 1) :])}
        for folder in self.path.iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)


def _contents(checkpoint: Checkpoint) -> dict[str, bytes]:
    """The checkpoint's files, the manifest last."""
    state = {"step": checkpoint.step, "notes": checkpoint.notes}
    files = {
        **{f"{name}.safetensors": save(group) for name, group in checkpoint.tensors.items()},
        _STATE: json.dumps(state, indent=2).encode(),
    }
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return files | {_MANIFEST: json.dumps(hashes, indent=2).encode()}


def _write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    for name, content in contents.items():
        with (folder / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    sync_folder(folder)


def _read(folder: Path) -> Checkpoint:
    """A checkpoint whose every file is what the manifest says."""
    try:
        hashes = json.loads((folder / _MANIFEST).read_bytes())
        contents = {name: (folder / name).read_bytes() for name in (*hashes, _STATE)}
        for name, content in contents.items():
            if hashlib.sha256(content).hexdigest() != hashes[name]:
                raise _DamagedError(f"{name} is not what was written")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _DamagedError(f"{type(error).__name__}: {error}") from error
    state = json.loads(contents.pop(_STATE))
    tensors = {name.removesuffix(".safetensors"): load(body) for name, body in contents.items()}
    return Checkpoint(state["step"], tensors, state["notes"])
