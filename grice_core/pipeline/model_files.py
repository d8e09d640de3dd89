"""Whether a named model is there, as far as that can be seen without loading it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grice_core.errors import InputError
from grice_core.registry import check_base

_CONFIG = "config.json"
_WEIGHTS = tuple(
    f"{stem}{ending}"
    for stem in ("model.safetensors", "pytorch_model.bin")
    for ending in ("", ".index.json")
)


@dataclass(frozen=True)
class ModelFiles:
    """What was seen of a model."""

    state: Literal["found", "not tried", "missing"]
    """`not tried`: it would have to be fetched from the hub."""
    sentence: str


def model_files(name: str, what: str) -> ModelFiles:
    """Look at a folder, or for a hub id into this machine's cache; nothing is fetched.

    Args:
        name: hub id or folder.
        what: what it shall be: `Base model`, `Detector`.
    """
    from huggingface_hub.constants import HF_HUB_OFFLINE

    try:
        where = Path(check_base(name))
    except InputError:
        sentence = f"there is no {what.lower()} in {name}: give a hub id, or a folder that exists"
        return ModelFiles("missing", sentence)
    if where.is_dir():
        return _in_folder(where, what)
    try:
        is_cached = _is_cached(name)
    except ValueError:
        return ModelFiles("missing", f"{name} is neither a folder nor a hub id (owner/name)")
    if is_cached:
        return ModelFiles("found", f"{what} {name} is in the hub's cache on this machine")
    if HF_HUB_OFFLINE:
        sentence = (
            f"{what} {name} is not in the hub's cache on this machine, and HF_HUB_OFFLINE is set"
        )
        return ModelFiles("not tried", sentence)
    return ModelFiles(
        "not tried", f"{what} {name}: not tried; a first use downloads it from the hub"
    )


def _in_folder(folder: Path, what: str) -> ModelFiles:
    if not (folder / _CONFIG).is_file():
        return ModelFiles("missing", f"{folder} holds no model: {_CONFIG} is missing")
    if not any(any(folder.glob(f"*{ending}")) for ending in (".safetensors", ".bin")):
        return ModelFiles("missing", f"{folder} holds no model: it has no weights")
    return ModelFiles("found", f"{what} in {folder}")


def _is_cached(name: str) -> bool:
    """Whether the hub's cache has the model's configuration and the first of its weights.

    Raises: ValueError, if it is no hub id.
    """
    from huggingface_hub import try_to_load_from_cache

    def has(file: str) -> bool:
        return isinstance(try_to_load_from_cache(name, file), str)

    return has(_CONFIG) and any(map(has, _WEIGHTS))
