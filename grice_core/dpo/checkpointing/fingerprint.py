"""What must be the same for a run to resume from a checkpoint, and what differs if it is not."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from grice_core.dpo.examples import Compute, StageExamples
from grice_core.recipes.config import StageConfig

Fingerprint = dict[str, Any]
"""JSON: settings in full, so that a difference can be named, and hashes of everything large."""

_HASHED = ("base model", "pairs")


def fingerprint(
    config: StageConfig, examples: StageExamples, compute: Compute, base_sha256: str, **run: int
) -> Fingerprint:
    """Everything that decides what is learned.

    How pairs are packed into passes is left out on purpose, so that a run can resume on a machine with
    less memory; it decides only how sums are rounded and which elements dropout drops.
    """
    return {
        **config.model_dump(mode="json"),
        **run,
        "precision": str(compute.dtype).removeprefix("torch."),
        "base model": base_sha256,
        "pairs": _hash(examples),
    }


def differences(saved: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Each entry that differs, as `learning_rate was 5e-05 and is 3e-05`."""
    return [_described(*change) for change in _changes(saved, current)]


def _described(name: str, old: Any, new: Any) -> str:
    if name in _HASHED or isinstance(old, list | dict) or isinstance(new, list | dict):
        return f"{name} changed"
    return f"{name} was {old} and is {new}"


def _changes(
    saved: Mapping[str, Any], current: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted(saved.keys() | current.keys()):
        old, new = saved.get(name), current.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _changes(old, new, f"{prefix}{name}.")
        elif old != new:
            yield prefix + name, old, new


def _hash(examples: StageExamples) -> str:
    """SHA-256 of the pairs' token ids, margins and weights, and of which are trained on."""
    digest = hashlib.sha256()
    for pair in examples.pairs:
        for ids in (pair.prompt, pair.chosen, pair.rejected):
            digest.update(np.array([len(ids), *ids], dtype="<i8").tobytes())
    for array in (examples.margins, examples.shares, examples.train):
        digest.update(np.ascontiguousarray(array).tobytes())
    for name, indices in sorted(examples.watched.items()):
        digest.update(name.encode() + np.ascontiguousarray(indices).tobytes())
    return digest.hexdigest()
