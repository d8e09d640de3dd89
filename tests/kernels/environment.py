"""The environment's choice of kernels, for a test."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from grice_core.kernels.choice import VARIABLE, kernels_of_process


@contextmanager
def kernels_set_to(value: str) -> Iterator[None]:
    """As if the process had been started with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, value)
        kernels_of_process.cache_clear()
        try:
            yield
        finally:
            kernels_of_process.cache_clear()
