from contextlib import nullcontext

import pytest

from grice_core.kernels.choice import plain_kernels


@pytest.fixture(params=["fast", "plain"])
def kernels(request):
    """Which implementation runs: a fast path and its plain twin meet the same specification."""
    with plain_kernels() if request.param == "plain" else nullcontext():
        yield request.param
