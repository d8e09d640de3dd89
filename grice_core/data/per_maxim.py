"""Validated data with one field for each maxim of `MAXIMS`."""

from collections.abc import Callable
from typing import Any, Self, TypeVar, cast

import numpy as np
from pydantic import create_model

from grice_core.data.pairs import FloatArray
from grice_core.data.rules import FrozenModel
from grice_core.maxims import MAXIMS


class PerMaxim(FrozenModel):
    """One number per maxim; its fields come from `field_per_maxim`."""

    def as_array(self) -> FloatArray:
        """(4,) numbers in the order of `MAXIMS`."""
        return np.array([getattr(self, maxim) for maxim in MAXIMS], dtype=np.float64)

    @classmethod
    def from_array(cls, values: FloatArray) -> Self:
        """The inverse of `as_array`."""
        return cls.model_validate({maxim: float(values[maxim.column]) for maxim in MAXIMS})


_Kind = TypeVar("_Kind", bound=type[FrozenModel])


def field_per_maxim(field: Any, type_: type = float) -> Callable[[_Kind], _Kind]:
    """Give a class a field named after each maxim: `quantity`, `quality` …, with this default and limits."""

    def completed(kind: _Kind) -> _Kind:
        fields: dict[str, Any] = {maxim.value: (type_, field) for maxim in MAXIMS}
        made = create_model(
            kind.__name__, __base__=kind, __module__=kind.__module__, __doc__=kind.__doc__, **fields
        )
        return cast(_Kind, made)

    return completed
