"""Detector V2 checkpoints of the field (`.pt`), read without running anything that is in them."""

import pickle
import re
from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grice_core.detector.record import HeadsArchitecture
from grice_core.errors import DetectorError
from grice_core.maxims import MAXIMS

_PLACES = ("model_state_dict", "state_dict", "model")
_HEAD_KEY = re.compile(r"classifiers\.(\d+)\.(\d+)\.(weight|bias)")

# A checkpoint often carries NumPy scalars (its validation F1); these make them, and do nothing else.
_NUMPY_SCALARS: list[Any] = [
    np._core.multiarray.scalar,  # type: ignore[attr-defined]
    (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"),  # type: ignore[attr-defined]
    np.dtype,
    *(type(np.dtype(name)) for name in ("float64", "float32", "int64", "int32", "bool")),
]


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors `encoder.*` and `classifiers.*` of a checkpoint, in fp32.

    They may stand at the top or under `model_state_dict`, `state_dict` or `model`, and their keys
    may start with `module.`, as DataParallel writes them.

    Raises:
        DetectorError: it can't be read, holds something other than weights, or no detector.
    """
    content = _read(path)
    candidates = [content] + [content.get(place) for place in _PLACES]
    for candidate in candidates:
        if isinstance(candidate, Mapping):
            tensors = _detector_tensors(candidate)
            if tensors:
                return tensors
    raise DetectorError(
        f"{path}: no weights named encoder.* and classifiers.* at its top or under "
        f"{', '.join(_PLACES)}; is it a Detector V2 checkpoint?"
    )


def _read(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise DetectorError(f"{path}: there is no such file")
    try:
        with torch.serialization.safe_globals(_NUMPY_SCALARS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DetectorError(
            f"{path} holds something other than weights{_named_global(error)}, which may run "
            "code when it is read; it was not read. Save it again as torch.save(model.state_dict())"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise DetectorError(f"{path} is damaged or no PyTorch checkpoint") from error
    if not isinstance(content, Mapping):
        raise DetectorError(
            f"{path} holds a {type(content).__name__}; a checkpoint is a dictionary of tensors"
        )
    return content


def _named_global(error: Exception) -> str:
    found = re.search(r"GLOBAL (\S+)", str(error))
    return f" ({found[1]})" if found else ""


def _detector_tensors(candidate: Mapping[Any, Any]) -> dict[str, Tensor]:
    tensors = {
        str(key).removeprefix("module."): value
        for key, value in candidate.items()
        if isinstance(value, Tensor)
    }
    parts = ("encoder.", "classifiers.")
    if not all(any(key.startswith(part) for key in tensors) for part in parts):
        return {}
    return {
        key: tensor.float() if tensor.is_floating_point() else tensor
        for key, tensor in tensors.items()
        if key.startswith(parts)
    }


def infer_heads(tensors: Mapping[str, Tensor], path: Path) -> HeadsArchitecture:
    """The heads' layout from the shapes of their Linears.

    Raises:
        DetectorError: there aren't four heads of one layout that ends in one number.
    """
    heads = _linears(tensors)
    if sorted(heads) != list(range(len(MAXIMS))):
        missing = [name for name in MAXIMS if name.column not in heads]
        problem = f"no head for {', '.join(missing)}" if missing else f"{len(heads)} heads"
        raise DetectorError(f"{path}: {problem}; a detector has one for each of the four maxims")
    widths = {index: _widths(head, f"{path}: classifiers.{index}") for index, head in heads.items()}
    for index, head_widths in widths.items():
        if head_widths != widths[0]:
            raise DetectorError(
                f"{path}: the heads differ: classifiers.0 has widths {widths[0]}, "
                f"classifiers.{index} {head_widths}"
            )
    return HeadsArchitecture(hidden_widths=widths[0][1:-1])


def _linears(tensors: Mapping[str, Tensor]) -> dict[int, dict[int, tuple[int, ...]]]:
    """Shape of each Linear's weight by head and by position in the head."""
    heads: dict[int, dict[int, tuple[int, ...]]] = defaultdict(dict)
    for key, tensor in tensors.items():
        match = _HEAD_KEY.fullmatch(key)
        if match and match[3] == "weight":
            heads[int(match[1])][int(match[2])] = tuple(tensor.shape)
    return heads


def _widths(head: Mapping[int, tuple[int, ...]], where: str) -> tuple[int, ...]:
    """Input width and output widths of a chain of Linears; the last one must be 1."""
    shapes = [head[position] for position in sorted(head)]
    if any(len(shape) != 2 for shape in shapes):
        raise DetectorError(f"{where} has a weight that is no matrix: {shapes}")
    fits = all(first[0] == second[1] for first, second in pairwise(shapes))
    if not fits or shapes[-1][0] != 1:
        raise DetectorError(
            f"{where} has Linears of shapes {shapes}; each one's input must be the one before "
            "it, and the last one's output 1"
        )
    return (shapes[0][1], *(shape[0] for shape in shapes))


def with_our_positions(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors with each head's Linears at positions 1, 4, 7, as our model has them.

    A checkpoint may count its dropouts differently; the order of the Linears is what matters.
    """
    ours: dict[tuple[int, int], int] = {}
    for head, linears in _linears(tensors).items():
        for number, position in enumerate(sorted(linears)):
            ours[head, position] = 1 + 3 * number
    renamed = {}
    for key, tensor in tensors.items():
        match = _HEAD_KEY.fullmatch(key)
        if match:
            head, position = int(match[1]), int(match[2])
            renamed[f"classifiers.{head}.{ours[head, position]}.{match[3]}"] = tensor
        elif not key.startswith("encoder.pooler."):  # its output is not used
            renamed[key] = tensor
    return renamed
