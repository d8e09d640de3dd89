"""Errors of loading from a folder or the model hub, as one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grice_core.errors import ModelError


@contextmanager
def loading_errors(what: str, name: str) -> Iterator[None]:
    """Turn whatever a loading library raises into a ModelError that says what to do.

    Raises: ModelError.
    """
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        if Path(name).is_dir():
            advice = "the folder must hold config.json, the weights and the tokenizer's files"
        elif Path(name).is_absolute() or name.startswith("."):
            advice = "there is no such folder"
        else:
            advice = "it is neither a folder here nor a model that the hub could give"
        raise ModelError(f"can't load the {what} {name}: {advice} ({first_line(error)})") from error


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its class if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
