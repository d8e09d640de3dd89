"""What a model's forward pass takes: architectures differ, and swallow what they don't know."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from torch import Tensor


def inner_model(model: Any) -> Any:
    """The transformers model inside a PEFT one; a plain model as it is."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def accepts(model: Any, name: str) -> bool:
    """Whether the model's forward pass has a parameter of this name."""
    return name in _parameters(type(inner_model(model)).forward)


def passes_on(model: Any) -> bool:
    """Whether the model's forward pass takes keyword arguments that it doesn't name."""
    return any(
        parameter.kind is inspect.Parameter.VAR_KEYWORD
        for parameter in _parameters(type(inner_model(model)).forward).values()
    )


def accepted(model: Any, **arguments: Any) -> dict[str, Any]:
    """Those of the arguments that the model's forward pass has parameters for."""
    return {name: value for name, value in arguments.items() if accepts(model, name)}


def cache_name(model: Any) -> str | None:
    """What the model's forward pass calls keys and values of earlier tokens, as does its output; None: it takes none.

    transformers 5.24 renamed them. Formerly that was not what models with states of their own call theirs
    (`cache_params`), so that their caches can be tried since.
    """
    return next((name for name in _CACHES if accepts(model, name)), None)


_CACHES = ("cache", "past_key_values")


@lru_cache(maxsize=64)
def _parameters(forward: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(forward).parameters


@contextmanager
def watched_embeddings(model: Any) -> Iterator[list[Tensor]]:
    """The list gets the (rows, length, width) embeddings of the next pass, as a leaf that has a gradient:
    what depends on a token has one there. It stays empty if the model looks tokens up by itself.
    """
    watched: list[Tensor] = []

    def watch(_: object, __: object, embedded: Any) -> Any:
        if watched or not isinstance(embedded, Tensor):
            return embedded
        watched.append(embedded.detach().requires_grad_())
        return watched[0].clone()  # some models scale their embeddings in place

    handle = inner_model(model).get_input_embeddings().register_forward_hook(watch)
    try:
        yield watched
    finally:
        handle.remove()
