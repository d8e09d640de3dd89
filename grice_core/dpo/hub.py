"""Errors of loading from a folder or the model hub, as one sentence."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from grice_core.errors import GriceError, ModelError


@contextmanager
def loading_errors(what: str, name: str) -> Iterator[None]:
    """Turn whatever a loading library raises into a ModelError that says what to do.

    Raises: ModelError.
    """
    try:
        yield
    except (GriceError, torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:  # libraries raise what they like: pickle, zip and JSON errors too
        raise ModelError(f"can't load the {what} {name}: {_advice(name, error)}") from error


def _advice(name: str, error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError) or "weights_only" in str(error):
        return (
            "its weights are a pickle that holds more than numbers, which may run code and is not "
            "opened. Give the same weights as safetensors"
        )
    if isinstance(error, ImportError):
        return f"it needs a library that is not installed ({first_line(error)})"
    if Path(name).is_dir():
        advice = "the folder must hold config.json, the weights and the tokenizer's files"
    elif Path(name).is_absolute() or name.startswith("."):
        advice = "there is no such folder"
    else:
        advice = "it is neither a folder here nor a model that the hub could give"
    return f"{advice} ({first_line(error)})"


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its class if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
